use super::*;
use crate::gradient_noise::reach::{beyond, reach, resolved};

/// l = ½λ(x − y)²: fixed points of the outermost maps θ' = θ − ηλ(θ − y) are the outermost samples, so the reach is their hull; with
/// overshoot, ηλ = 1.5, θ' = −θ/2 + 1.5 y, the hull [a, b] satisfies a = −b/2 − 1.5, b = −a/2 + 1.5, b = −a = 3. To a cell.
#[test]
fn reach_of_a_quadratic_loss() {
    for (rate, expected) in [(0.2, 1.0), (1.5, 3.0)] {
        let p = problem(quadratic(&[-1.0, 0.3, 1.0], 1.0), &[0.0], rate, 2, Replacement::With, 5.0);
        let found = reach(&p).unwrap();
        let cell = 0.2;
        assert!(
            (found[0][0] + expected).abs() <= 2.0 * cell && (found[0][1] - expected).abs() <= 2.0 * cell,
            "{found:?}"
        );
        assert!(resolved(&p.grid, &found));
        let uniform = vec![0.02; 50];
        let share = beyond(&p.grid, &found, &uniform);
        assert!((share - (1.0 - expected / 5.0)).abs() < 0.09, "{share}");
        // walkers started anywhere on the grid end in it
        let x = run(&p, 2000, 200).ensemble.first_points(2000);
        assert!(x.iter().all(|x| *x >= found[0][0] - cell && *x <= found[0][1] + cell));
    }
    // unstable, or the samples reach beyond the grid: nothing is known
    assert!(reach(&problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], 2.5, 1, Replacement::With, 5.0)).is_none());
    assert!(reach(&problem(quadratic(&[-6.0, 1.0], 1.0), &[0.0], 0.5, 1, Replacement::With, 5.0)).is_none());
}

/// l = (w − a)²/2 + (v − b)²: the reach is the box around the samples, and walkers end in it.
#[test]
fn reach_in_two_dimensions_is_a_box() {
    use crate::formula::{Symbols, parse};
    use crate::model::data::Data;
    use crate::model::sample_loss::SampleLossModel;
    let data = Data::new(vec![("a".into(), vec![0.5, -0.8, 0.1]), ("b".into(), vec![1.5, 1.0, -0.5])]).unwrap();
    let symbols = Symbols::new(&["w", "v"]).with_columns(&["a", "b"]);
    let model = SampleLossModel::new(2, &parse("(w - a)^2/2 + (v - b)^2", &symbols).unwrap(), &data).unwrap();
    let p = problem(quadratic(&[0.0; 3], 1.0), &[0.0, 0.0], 0.3, 1, Replacement::With, 4.0);
    let p = Problem { model: Arc::new(model), ..p };
    let found = reach(&p).unwrap();
    let x = run(&p, 2000, 200).ensemble.first_points(2000);
    for (k, expected) in [[-0.8, 0.5], [-0.5, 1.5]].into_iter().enumerate() {
        assert!((0..2).all(|side| (found[k][side] - expected[side]).abs() < 0.32), "{found:?}");
        let walkers = &x[k * 2000..(k + 1) * 2000];
        assert!(walkers.iter().all(|x| *x >= found[k][0] - 0.16 && *x <= found[k][1] + 0.16), "{found:?}");
    }
}

/// Samples that one θ fits exactly, l = (a (θ − 1))²/2: the reach is that θ, narrower than a cell. A loss that is linear drives everything
/// off the grid, and there is no reach.
#[test]
fn a_reach_narrower_than_a_cell_is_not_resolved_and_an_empty_one_is_none() {
    use crate::formula::{Symbols, parse};
    use crate::model::data::Data;
    use crate::model::sample_loss::SampleLossModel;
    let data = Data::new(vec![("a".into(), vec![0.5, 1.0, 2.0])]).unwrap();
    let symbols = Symbols::new(&["w"]).with_columns(&["a"]);
    let of = |loss: &str, rate: f64| {
        let model = SampleLossModel::new(1, &parse(loss, &symbols).unwrap(), &data).unwrap();
        let p = problem(quadratic(&[0.0; 3], 1.0), &[0.0], rate, 1, Replacement::With, 5.0);
        Problem { model: Arc::new(model), ..p }
    };
    let fitted = of("(a*(w - 1))^2/2", 0.1);
    let found = reach(&fitted).unwrap();
    assert!((found[0][0] - 1.0).abs() < 0.2 && (found[0][1] - 1.0).abs() < 0.2, "{found:?}");
    assert!(!resolved(&fitted.grid, &found), "{found:?}");
    assert!(reach(&of("w", 0.05)).is_none());
}
