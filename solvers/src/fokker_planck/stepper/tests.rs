#![allow(clippy::unwrap_used)]
use super::*;
use crate::fokker_planck::fixtures::{bump, chain, exact, l1, plane, quartic, ring};
use crate::fokker_planck::stationary::stationary_law;

fn system(generator: Generator, shape: &[usize]) -> Arc<System> {
    let law = stationary_law(&generator, shape).ok().map(Arc::new);
    Arc::new(System::new(Arc::new(generator), shape, law))
}

fn run(method: &Method, system: &Arc<System>, start: &[f64], times: &[f64], tolerance: f64, step: Option<f64>) -> Run {
    let task =
        Task { system: system.clone(), start: start.to_vec(), from: 0.0, times: times.to_vec(), tolerance, step };
    let mut stepper = (method.build)(task).unwrap();
    let mut out = vec![vec![0.0; start.len()]; times.len()];
    for (&t, p) in times.iter().zip(&mut out) {
        stepper.advance(t, &|| false, p).unwrap();
    }
    Run { out, error: stepper.error(), work: stepper.work() }
}

struct Run {
    out: Vec<Vec<f64>>,
    error: f64,
    work: Work,
}

fn cases() -> Vec<(&'static str, Arc<System>, Vec<f64>, f64)> {
    vec![
        ("double well", system(chain(120, -2.2, 2.2, 0.1, quartic), &[120]), bump(120, 30.0, 4.0), 2.0),
        ("ring", system(ring(90, 0.7, 0.3), &[90]), bump(90, 40.0, 5.0), 1.5),
        ("plane", system(plane(16, 14, 0.3, 0.6), &[16, 14]), bump(224, 100.0, 20.0), 1.0),
    ]
}

#[test]
fn fixed_steps_have_the_declared_order_and_the_level_of_the_error_constant() {
    for (name, system, start, t) in cases() {
        let truth = exact(system.generator(), &start, t);
        for method in METHODS.iter() {
            let Some(order) = method.order else { continue };
            let errors: Vec<f64> = [40.0, 80.0, 160.0]
                .iter()
                .map(|n| l1(&run(method, &system, &start, &[t], 1e-6, Some(t / n)).out[0], &truth))
                .collect();
            for pair in errors.windows(2) {
                let observed = (pair[0] / pair[1]).log2();
                assert!((observed - f64::from(order)).abs() < 0.25, "{} {name}: order {observed}", method.name);
            }
            let level = if order == 1 { 1e-2 } else { 1e-4 };
            assert!(errors[2] < level, "{} {name}: {:e}", method.name, errors[2]);
        }
    }
}

#[test]
fn every_method_meets_its_tolerance_keeps_mass_and_estimates_its_error() {
    for (name, system, start, t) in cases() {
        let times: Vec<f64> = (1..=5).map(|k| t * f64::from(k) / 5.0).collect();
        for method in METHODS {
            let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
            let run = run(method, &system, &start, &times, tolerance, None);
            for (&t, p) in times.iter().zip(&run.out) {
                let error = l1(p, &exact(system.generator(), &start, t));
                assert!(error < tolerance, "{} {name} t = {t}: {error:e} {:?}", method.name, run.work);
                assert!(error < 3.0 * run.error + 1e-11, "{} {name}: {error:e}, said {:e}", method.name, run.error);
                let mass: f64 = p.iter().sum();
                assert!((mass - 1.0).abs() < 1e-12, "{} {name}: mass {mass}", method.name);
                assert!(!method.positive || p.iter().all(|&v| v >= 0.0), "{} {name}", method.name);
            }
        }
    }
}

#[test]
fn a_metastable_well_relaxes_to_the_stationary_density() {
    let system = system(chain(200, -2.0, 2.0, 0.05, quartic), &[200]);
    let start = bump(200, 50.0, 6.0);
    for method in METHODS.iter().filter(|method| method.order != Some(1)) {
        let run = run(method, &system, &start, &[1.0, 1e3, 1e5], 1e-7, None);
        let left: f64 = run.out[0][..100].iter().sum();
        assert!(left > 0.99, "{} {left}", method.name);
        let distance = l1(&run.out[2], &system.law().unwrap().probability);
        assert!(distance < 1e-7, "{} {distance:e} after {:?}", method.name, run.work);
        assert!((run.out[2].iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}", method.name);
    }
}

#[test]
fn interrupts_stop_and_unknown_names_are_refused() {
    let system = system(chain(50, -2.0, 2.0, 0.1, quartic), &[50]);
    let task = || Task {
        system: system.clone(),
        start: bump(50, 10.0, 3.0),
        from: 0.0,
        times: vec![10.0],
        tolerance: 1e-6,
        step: None,
    };
    for method in METHODS {
        let mut stepper = (method.build)(task()).unwrap();
        let stopped = stepper.advance(10.0, &|| true, &mut [0.0; 50]);
        assert!(matches!(stopped, Err(Error::Interrupted { .. })), "{}", method.name);
    }
    assert!(choose("leapfrog", &task()).is_err());
    assert!(choose("auto", &task()).is_ok());
}

#[test]
fn implicit_methods_and_krylov_work_on_multigrid_as_on_elimination() {
    let system = system(plane(16, 14, 0.3, 0.6), &[16, 14]);
    let law = system.law.as_ref();
    let multigrid = (linear::multigrid::METHOD.prepare)(system.generator(), system.shape(), law);
    assert!(system.linear.set((multigrid, "for this test".into())).is_ok());
    let start = bump(224, 100.0, 20.0);
    let truth = exact(system.generator(), &start, 1.0);
    for method in [&implicit_euler::METHOD, &tr_bdf2::METHOD, &rational::METHOD] {
        let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
        let run = run(method, &system, &start, &[0.3, 1.0], tolerance, None);
        let error = l1(&run.out[1], &truth);
        assert!(error < tolerance && run.work.solves > 0, "{}: {error:e}", method.name);
    }
    assert_eq!(system.linear_solver().map(|(name, _)| name), Some("multigrid"));
}

#[test]
fn outputs_spaced_by_decades_share_factorisations() {
    let system = system(plane(16, 14, 0.3, 0.6), &[16, 14]);
    let start = bump(224, 100.0, 20.0);
    let times: Vec<f64> = (0..60).map(|k| 1e-3 * 10f64.powf(f64::from(k) / 10.0)).collect(); // six decades
    for method in [&rational::METHOD, &tr_bdf2::METHOD] {
        let run = run(method, &system, &start, &times, 1e-6, None);
        let (factored, solved) = (run.work.factorisations, run.work.solves);
        assert!(factored <= 30 && solved > 2 * factored, "{}: {factored} factorisations, {solved} solves", method.name);
        let error = l1(&run.out[30], &exact(system.generator(), &start, times[30]));
        assert!(error < 1e-6, "{}: {error:e}", method.name);
    }
}

#[test]
fn a_tolerance_that_needs_too_many_steps_is_answered_with_advice() {
    let system = system(chain(20, -2.0, 2.0, 0.1, quartic), &[20]);
    let task = Task { system, start: bump(20, 5.0, 2.0), from: 0.0, times: vec![100.0], tolerance: 1e-9, step: None };
    let mut stepper = (implicit_euler::METHOD.build)(task).unwrap();
    let error = stepper.advance(100.0, &|| false, &mut [0.0; 20]).unwrap_err();
    let help = error.help().unwrap_or_default().to_string();
    assert!(error.to_string().contains("200000 steps"), "{error}");
    assert!(help.contains("\"auto\"") && help.contains("tolerance = 1e-7"), "{help}");
}

#[test]
fn the_choice_gives_the_estimates_of_all_methods_as_its_reason() {
    let system = system(plane(16, 14, 0.3, 0.6), &[16, 14]);
    let task = Task { system, start: bump(224, 100.0, 20.0), from: 0.0, times: vec![1.0], tolerance: 1e-6, step: None };
    let (method, reason) = choose_with_reason("auto", &task).unwrap();
    assert!(METHODS.iter().all(|m| m.name == method.name || reason.contains(m.name)), "{reason}");
    assert_eq!(choose_with_reason("tr-bdf2", &task).unwrap().1, "asked for");
}
