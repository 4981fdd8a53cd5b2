#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::system::{Integrator, System, Task, Work};
use super::table::{INTEGRATORS, choose, choose_with_reason};
use super::{implicit_euler, rational, tr_bdf2};
use crate::Error;
use crate::error::Setting;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::linear;
use crate::fokker_planck::stationary::solve::stationary_law;
use crate::fokker_planck::testing::fixtures::{bump, chain, exact, plane, quartic, ring};
use crate::problem::density::l1;

pub(crate) fn system(generator: Generator, shape: &[usize]) -> Arc<System> {
    let law = stationary_law(&generator, shape).ok().map(Arc::new);
    Arc::new(System::new(Arc::new(generator), shape, law))
}

pub(crate) fn run(
    method: &Integrator,
    system: &Arc<System>,
    start: &[f64],
    times: &[f64],
    tolerance: f64,
    step: Option<f64>,
) -> Run {
    let task =
        Task { system: system.clone(), start: start.to_vec(), from: 0.0, times: times.to_vec(), tolerance, step };
    let mut stepper = (method.build)(task).unwrap();
    let mut out = vec![vec![0.0; start.len()]; times.len()];
    for (&t, p) in times.iter().zip(&mut out) {
        stepper.advance(t, &|| false, p).unwrap();
    }
    Run { out, error: stepper.error(), work: stepper.work() }
}

pub(crate) struct Run {
    pub out: Vec<Vec<f64>>,
    pub error: f64,
    pub work: Work,
}

fn cases() -> Vec<(&'static str, Arc<System>, Vec<f64>, f64)> {
    vec![
        ("double well", system(chain(120, -2.2, 2.2, 0.1, quartic), &[120]), bump(120, 30.0, 4.0), 2.0),
        ("ring", system(ring(90, 0.7, 0.3), &[90]), bump(90, 40.0, 5.0), 1.5),
        ("plane", system(plane(16, 14, 0.3, 0.6), &[16, 14]), bump(224, 100.0, 20.0), 1.0),
    ]
}

/// |C| in R(z) = eᶻ + C z^{p+1} + …: ½ for implicit Euler, (3√2 − 4)/6 for TR-BDF2 (Hosea & Shampine).
fn error_constant(method: &Integrator) -> f64 {
    match method.name {
        "implicit-euler" => 0.5,
        "tr-bdf2" => (3.0 * std::f64::consts::SQRT_2 - 4.0) / 6.0,
        name => panic!("{name} declares an order: write its error constant here"),
    }
}

/// The error of n equal steps to leading order: C t hᵖ (Qᵀ)^{p+1} p(t) in L1.
fn leading_error(method: &Integrator, generator: &Generator, truth: &[f64], t: f64, h: f64) -> f64 {
    let order = method.order.unwrap();
    let (mut v, mut rate) = (truth.to_vec(), vec![0.0; truth.len()]);
    for _ in 0..=order {
        generator.forward(&v, &mut rate);
        std::mem::swap(&mut v, &mut rate);
    }
    error_constant(method) * t * h.powi(order as i32) * v.iter().map(|v| v.abs()).sum::<f64>()
}

#[test]
fn fixed_steps_have_the_declared_order_and_the_level_of_the_error_constant() {
    for (name, system, start, t) in cases() {
        let truth = exact(system.generator(), &start, t);
        for method in INTEGRATORS.iter() {
            let Some(order) = method.order else { continue };
            let steps = [50.0, 100.0, 200.0, 400.0];
            let error = |n: f64| l1(&run(method, &system, &start, &[t], 1e-6, Some(t / n)).out[0], &truth);
            let errors = steps.map(error);
            let observed = (errors[2] / errors[3]).log2();
            let declared = f64::from(order);
            let range = declared - 0.1..=declared + 0.6;
            assert!(range.contains(&observed), "{} {name}: order {observed}, {errors:?}", method.name);
            let level = errors[3] / leading_error(method, system.generator(), &truth, t, t / steps[3]);
            assert!((level - 1.0).abs() < 0.05, "{} {name}: {level} of the leading error", method.name);
        }
    }
}

#[test]
fn every_method_meets_its_tolerance_and_keeps_mass() {
    for (name, system, start, t) in cases() {
        let times: Vec<f64> = (1..=5).map(|k| t * f64::from(k) / 5.0).collect();
        for method in INTEGRATORS {
            let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
            let run = run(method, &system, &start, &times, tolerance, None);
            for (&t, p) in times.iter().zip(&run.out) {
                let error = l1(p, &exact(system.generator(), &start, t));
                assert!(error < tolerance, "{} {name} t = {t}: {error:e} {:?}", method.name, run.work);
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
    for method in INTEGRATORS.iter().filter(|method| method.order != Some(1)) {
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
    for method in INTEGRATORS {
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
    let multigrid = (linear::multigrid::SOLVER.prepare)(system.generator(), system.shape(), law);
    assert!(system.linear.set((multigrid, "for this test".into())).is_ok());
    let start = bump(224, 100.0, 20.0);
    let truth = exact(system.generator(), &start, 1.0);
    for method in [&implicit_euler::INTEGRATOR, &tr_bdf2::INTEGRATOR, &rational::INTEGRATOR] {
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
    for method in [&rational::INTEGRATOR, &tr_bdf2::INTEGRATOR] {
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
    let mut stepper = (implicit_euler::INTEGRATOR.build)(task).unwrap();
    let error = stepper.advance(100.0, &|| false, &mut [0.0; 20]).unwrap_err();
    let help = error.help().unwrap_or_default().to_string();
    assert!(error.to_string().contains("200000 steps"), "{error}");
    assert!(help.contains("leave the integrator") && help.contains("tolerance of 1e-7"), "{help}");
    assert_eq!(error.settings(), [Setting::Integrator, Setting::IntegratorTolerance]);
}

#[test]
fn the_choice_gives_the_estimates_of_all_methods_as_its_reason() {
    let system = system(plane(16, 14, 0.3, 0.6), &[16, 14]);
    let task = Task { system, start: bump(224, 100.0, 20.0), from: 0.0, times: vec![1.0], tolerance: 1e-6, step: None };
    let (method, reason) = choose_with_reason("auto", &task).unwrap();
    assert!(INTEGRATORS.iter().all(|m| m.name == method.name || reason.contains(m.name)), "{reason}");
    assert_eq!(choose_with_reason("tr-bdf2", &task).unwrap().1, "asked for");
}
