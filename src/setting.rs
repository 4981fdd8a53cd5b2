//! Where a scenario writes each thing that the advice of a solver speaks of.

use fpsolve_solvers::error::{Error, Setting};

/// The key of a setting.
fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Model => "model.kind",
        Setting::Amplitudes => "model.amplitudes",
        Setting::Standardize => "model.data.standardize",
        Setting::TeacherNoise => "model.data.teacher.noise_std",
        Setting::LearningRate => "dynamics.learning_rate",
        Setting::BatchSize => "dynamics.batch_size",
        Setting::Replacement => "dynamics.replacement",
        Setting::Importance => "dynamics.importance",
        Setting::NoiseFloor => "noise.floor",
        Setting::Axes => "grid.axes",
        Setting::Boundary => "grid.axes.boundary",
        Setting::Initial => "initial.kind",
        Setting::Engines => "engines",
        Setting::Discretisation => "fokker_planck.discretisation",
        Setting::Integrator => "fokker_planck.method",
        Setting::Budget => "fokker_planck.budget",
        Setting::IntegratorTolerance => "fokker_planck.tolerance",
        Setting::Stationary => "fokker_planck.stationary",
        Setting::Scheme => "langevin.scheme",
        Setting::LangevinStep => "langevin.step",
        Setting::Walkers => "walkers",
        Setting::Optimizer => "sgd.optimizer",
        Setting::AmplitudeRate => "sgd.amplitude_rate",
    }
}

/// The advice of a solver's error and the keys that it speaks of; empty where there is no advice.
pub fn advice(error: &Error) -> String {
    let Some(help) = error.help() else { return String::new() };
    let keys: Vec<&str> = error.settings().iter().map(|&setting| key(setting)).collect();
    if keys.is_empty() { help.to_string() } else { format!("{help} ({})", keys.join(", ")) }
}

/// An error and its advice as one line.
pub fn sentence(error: &Error) -> String {
    let advice = advice(error);
    if advice.is_empty() { error.to_string() } else { format!("{error}; {advice}") }
}
