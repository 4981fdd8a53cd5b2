#![allow(clippy::unwrap_used)]
use super::*;
use crate::engine::State;
use crate::fokker_planck::integrator::table::choose;
use crate::fokker_planck::testing::fixtures::plane;
use crate::problem::density::l1;

/// Double well with rotation on 160 × 120 cells, temperature .002, from a narrow law at the cell `at`.
fn task(at: [usize; 2], omega: f64, times: &[f64]) -> Task {
    let (n, m) = (160, 120);
    let near = |cell: usize| {
        let [i, j] = [cell / m, cell % m];
        let distance = (i as f64 - at[0] as f64).powi(2) + (j as f64 - at[1] as f64).powi(2);
        (-distance / 4.0).exp()
    };
    let start: Vec<f64> = (0..n * m).map(near).collect();
    let sum: f64 = start.iter().sum();
    let start = start.iter().map(|p| p / sum).collect();
    let system = Arc::new(System::new(Arc::new(plane(n, m, 0.002, omega)), &[n, m], None));
    Task { system, start, from: 0.0, times: times.to_vec(), tolerance: 1e-6, step: None }
}

fn whole(task: Task) -> Box<dyn Stepper> {
    (choose("auto", &task).unwrap().build)(task).unwrap()
}

#[test]
fn it_agrees_with_all_cells_wherever_the_density_goes() {
    // into the nearer well; from the barrier into both; round the middle by the rotation
    for (at, omega, times) in [
        ([130, 60], 0.0, vec![0.2, 1.0, 6.0]),
        ([80, 60], 0.0, vec![0.5, 3.0, 12.0]),
        ([100, 100], 3.0, vec![0.5, 2.0, 2.5]),
    ] {
        let mut active = Active::new(task(at, omega, &times), "auto").unwrap().ok().unwrap();
        let mut all = whole(task(at, omega, &times));
        let n = active.state.len();
        let (mut p, mut q) = (vec![0.0; n], vec![0.0; n]);
        for &t in &times {
            active.advance(t, &|| false, &mut p).unwrap();
            all.advance(t, &|| false, &mut q).unwrap();
            let off = l1(&p, &q);
            assert!(
                off < 3.0 * (active.error() + all.error()) + 1e-11,
                "{at:?} t = {t}: {off:e}, {:e}",
                active.error()
            );
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{at:?} t = {t}");
        }
        assert!(active.error() < 1e-6, "{at:?}: {:e}", active.error());
        let few = active.cells()[0] < n / 4;
        assert!(few || at != [130, 60], "{:?} cells", active.cells());
    }
}

#[test]
fn what_is_put_back_goes_on_with_the_same_bits() {
    let times = [0.3, 1.0, 2.0, 4.0];
    let new = || Active::new(task([80, 60], 0.5, &times), "auto").unwrap().ok().unwrap();
    let (mut first, mut second) = (new(), new());
    let n = first.state.len();
    let (mut p, mut q) = (vec![0.0; n], vec![0.0; n]);
    for &t in &times[..2] {
        first.advance(t, &|| false, &mut p).unwrap();
    }
    let state = State::save(&mut |archive| first.archive(archive)).unwrap();
    state.restore(&mut |archive| second.archive(archive)).unwrap();
    for &t in &times[2..] {
        first.advance(t, &|| false, &mut p).unwrap();
        second.advance(t, &|| false, &mut q).unwrap();
        assert_eq!(p, q);
    }
    assert_eq!((first.error(), first.work()), (second.error(), second.work()));
}

#[test]
fn small_grids_and_wide_densities_take_all_cells() {
    let wide = Task { start: vec![1.0 / 19_200.0; 19_200], ..task([80, 60], 0.0, &[1.0]) };
    assert!(Active::new(wide, "auto").unwrap().is_err());
    let none = Active::new(Task { times: Vec::new(), ..task([80, 60], 0.0, &[1.0]) }, "auto").unwrap();
    assert!(none.is_err());
}
