//! Solving Qᵀπ = 0, with relative accuracy in the tails.

use std::sync::Arc;

use super::extended_range;
use super::law::StationaryLaw;
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::communicating_classes::{closed_classes, reversible_log_density};
use crate::fokker_planck::linear::dissection::Dissection;
use crate::fokker_planck::linear::multifrontal::{self, Multifrontal};
use crate::fokker_planck::linear::multigrid;
use crate::fokker_planck::linear::solver::Needed;
use crate::fokker_planck::linear::tridiagonal::{Tridiagonal, neighbours_only};

/// ln π below which combined rates may leave the range of floating-point numbers (10⁻³⁰⁸ = e⁻⁷⁰⁹) somewhere on the way.
const EXTENDED_BELOW: f64 = -500.0;
/// Multiplications from which on extended range, some twenty times slower, are used only where there is no other way.
const MOST_EXTENDED: f64 = 1e9;

/// The stationary law of a generator on a grid of the given shape (cells per axis).
///
/// Reversible: products of rate ratios along a spanning tree, O(N). One axis: the closed recursion, also around a periodic
/// axis with a current. Otherwise subtraction-free elimination (Grassmann, Taksar & Heyman, doi:10.1287/opre.33.5.1107) along
/// a nested dissection; every entry is relatively right to about N·10⁻¹⁶, with no condition on how small it is. Numbers
/// of extended range take over where floating-point numbers end. Grids too large for elimination: multigrid, right to its residual in L1.
///
/// Errors: probability is lost into an absorbing wall; several closed classes, named by size and first cell.
pub fn stationary_law(generator: &Generator, shape: &[usize]) -> Result<StationaryLaw, Error> {
    stationary_law_from(generator, shape, &|| None, &|| false)
}

/// Why there is no stationary density beside an absorbing wall.
pub fn lost_at_a_wall() -> Error {
    Error::invalid(
        "there is no stationary density: probability is lost at an absorbing wall, so none is left after a long time",
        "use reflecting or periodic walls, or look at survival, first-passage times and decay rates instead",
    )
    .set_by(&[Setting::Boundary, Setting::Stationary])
}

/// [`stationary_law`] that can be interrupted and asks for a guess of ln π where it iterates. Errors: as there;
/// [`Error::Interrupted`].
pub fn stationary_law_from(
    generator: &Generator,
    shape: &[usize],
    guess: &dyn Fn() -> Option<Vec<f64>>,
    interrupt: Interrupt,
) -> Result<StationaryLaw, Error> {
    let problem =
        |what: String, help: &str| Error::numerical("the stationary density", "before it was solved", what, help);
    if generator.has_exit() {
        return Err(lost_at_a_wall());
    }
    if let Some(law) = balanced_law(generator) {
        return Ok(law);
    }
    let classes = closed_classes(generator);
    if classes.len() > 1 {
        let first: Vec<String> =
            classes.iter().take(4).map(|c| format!("{} cells from number {} on", c.len(), c[0])).collect();
        let more = if classes.len() > 4 { ", …" } else { "" };
        return Err(problem(
            format!(
                "the cells fall into {} classes that probability cannot leave ({}{more}), so it is not unique",
                classes.len(),
                first.join("; ")
            ),
            "add noise where D vanishes or start inside one class and follow the transient",
        ));
    }
    let (log, method) = if neighbours_only(generator) {
        (Tridiagonal::<f64>::factor(generator, 0.0, 1.0).log_null_vector(), "recursion along the axis")
    } else {
        eliminated_or_iterated(generator, shape, &classes[0], guess, interrupt)?
    };
    Ok(normalised(log, false, method))
}

/// The stationary law of a generator with detailed balance, which takes no solution; None for any other.
pub fn balanced_law(generator: &Generator) -> Option<StationaryLaw> {
    if generator.has_exit() {
        return None;
    }
    Some(normalised(reversible_log_density(generator)?, true, "detailed balance"))
}

/// How much longer than an iteration (about five solves) elimination may take: it is relatively right in the tails.
const MAX_COST_RATIO: f64 = 3.0;
/// Residual up to which the iterated density is accepted.
const ACCEPTED: f64 = 1e-7;

fn eliminated_or_iterated(
    generator: &Generator,
    shape: &[usize],
    class: &[u32],
    guess: &dyn Fn() -> Option<Vec<f64>>,
    interrupt: Interrupt,
) -> Result<(Vec<f64>, &'static str), Error> {
    let needed = Needed::of(generator, shape);
    let (direct, iterative) = ((multifrontal::SOLVER.needs)(&needed), (multigrid::SOLVER.needs)(&needed));
    let quick = direct.factor < (MAX_COST_RATIO * 5.0 * iterative.solve).max(1.0);
    if direct.bytes <= multifrontal::LARGEST && quick {
        let tree = Arc::new(Dissection::new(generator, shape));
        if multifrontal::fits(&tree) {
            let log = Multifrontal::log_stationary(generator, &tree, interrupt)?;
            // one closed class by now: a −∞ on it, or a NaN, is a number out of range
            let lowest = class.iter().map(|&cell| log[cell as usize]).fold(0.0, |m: f64, l| if l >= m { m } else { l });
            if lowest >= EXTENDED_BELOW || (lowest.is_finite() && tree.work().0 > MOST_EXTENDED) {
                return Ok((log, "subtraction-free elimination"));
            }
            if tree.work().0 <= 10.0 * MOST_EXTENDED {
                return Ok((
                    extended_range::log_null_vector(generator, &tree),
                    "subtraction-free elimination, wide exponents",
                ));
            }
            return Ok((vec![f64::NAN], "subtraction-free elimination"));
        }
    }
    let (log, residual) = multigrid::stationary(generator, shape, guess(), interrupt)?;
    if residual.is_nan() || residual > ACCEPTED {
        return Err(Error::numerical(
            "the stationary density",
            "by multigrid",
            format!("it did not converge: residual {residual:.1e} of the rate of jumps"),
            "use fewer cells, so that elimination fits into memory",
        ));
    }
    Ok((log, "multigrid"))
}

fn normalised(mut log: Vec<f64>, reversible: bool, method: &'static str) -> StationaryLaw {
    let sum: f64 = log.iter().map(|l| l.exp()).sum();
    let shift = sum.ln();
    log.iter_mut().for_each(|l| *l -= shift);
    let mut probability: Vec<f64> = log.iter().map(|l| l.exp()).collect();
    let sum: f64 = probability.iter().sum();
    probability.iter_mut().for_each(|p| *p /= sum);
    StationaryLaw { log_probability: log, probability, reversible, method }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fokker_planck::generator::GeneratorBuilder;
    use crate::fokker_planck::testing::fixtures::{chain, dense, dense_solve, plane, quartic, ring};

    fn dense_stationary(generator: &Generator) -> Vec<f64> {
        let n = generator.cells();
        let mut a = dense(generator);
        a[..n].fill(1.0);
        let mut b = vec![0.0; n];
        b[0] = 1.0;
        dense_solve(&a, &b, 1)
    }

    #[test]
    fn agrees_with_dense_elimination_where_there_is_a_current() {
        for (generator, shape) in [(ring(40, 0.8, 0.3), vec![40]), (plane(14, 11, 0.3, 0.9), vec![14, 11])] {
            let law = stationary_law(&generator, &shape).unwrap();
            assert!(!law.reversible);
            let (q, mut change) = (generator.to_csr().transpose_into().to_csr(), vec![0.0; generator.cells()]);
            sprs::prod::mul_acc_mat_vec_csr(q.view(), &law.probability[..], &mut change);
            assert!(change.iter().all(|rate| rate.abs() < 1e-13), "Qᵀπ = 0");
            for (got, wanted) in law.probability.iter().zip(dense_stationary(&generator)) {
                assert!((got - wanted).abs() < 1e-13, "{}: {got} {wanted}", law.method);
            }
            assert!(super::super::density::residual(&generator, &law.probability) < 1e-14);
        }
    }

    #[test]
    fn elimination_keeps_relative_accuracy_in_tails_of_1e_minus_200() {
        // the reversible plane, solved as if it were not: the answer is known from detailed balance
        let generator = plane(40, 36, 0.01, 0.0);
        let exact = reversible_log_density(&generator).unwrap();
        let tree = Arc::new(Dissection::new(&generator, &[40, 36]));
        let log = Multifrontal::log_stationary(&generator, &tree, &|| false).unwrap();
        let lowest = exact.iter().copied().fold(0.0, f64::min);
        assert!(lowest < 200.0 * -std::f64::consts::LN_10, "{lowest}");
        let worst = log.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-10, "{worst:e}");
    }

    #[test]
    fn a_reversible_ring_and_a_chain_agree_with_the_recursion() {
        for generator in [ring(50, 0.0, 0.05), chain(80, -2.0, 2.0, 0.01, quartic)] {
            let exact = reversible_log_density(&generator).unwrap();
            let log = Tridiagonal::<f64>::factor(&generator, 0.0, 1.0).log_null_vector();
            for (a, b) in log.iter().zip(&exact) {
                assert!((a - b).abs() < 1e-11 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn several_classes_and_exits_are_refused_and_transient_cells_get_nothing() {
        let mut two = GeneratorBuilder::new(6);
        two.add_edge(0, 1, 1.0, 1.0);
        two.add_edge(3, 4, 1.0, 2.0);
        two.add_edge(2, 1, 1.0, 0.0);
        two.add_edge(5, 4, 1.0, 0.0);
        let message = stationary_law(&two.finish(), &[6]).unwrap_err().to_string();
        assert!(message.contains("2 classes") && message.contains("from number 3 on"), "{message}");

        let mut leaky = GeneratorBuilder::new(3);
        leaky.add_edge(0, 1, 1.0, 1.0);
        leaky.add_edge(1, 2, 1.0, 1.0);
        leaky.add_exit(2, 1.0);
        assert!(stationary_law(&leaky.finish(), &[3]).unwrap_err().to_string().contains("absorbing"));

        for shape in [vec![6], vec![2, 3]] {
            let mut one = GeneratorBuilder::new(6);
            for i in 0..5 {
                one.add_edge(i, i + 1, if i == 2 { 0.0 } else { 1.0 }, 2.0);
            }
            if shape.len() == 2 {
                one.add_edge(3, 5, 1.0, 0.5);
            }
            let law = stationary_law(&one.finish(), &shape).unwrap();
            assert!(law.probability[3..].iter().all(|&p| p == 0.0), "{:?}", law.probability);
            assert!((law.probability[0] - 4.0 / 7.0).abs() < 1e-15);
        }
    }
}
