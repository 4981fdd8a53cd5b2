//! The table of integrators and the choice among them.

use super::system::{Integrator, Task};
use super::{implicit_euler, polynomial, rational, tr_bdf2};
use crate::error::{Error, Setting};

/// The table of integrators.
pub const INTEGRATORS: &[Integrator] =
    &[implicit_euler::INTEGRATOR, tr_bdf2::INTEGRATOR, rational::INTEGRATOR, polynomial::INTEGRATOR];

/// The method of the given name, or for "auto" the one with the smallest estimated cost. Errors: an unknown name.
pub fn choose(name: &str, task: &Task) -> Result<&'static Integrator, Error> {
    choose_with_reason(name, task).map(|(method, _)| method)
}

/// [`choose`] with its errors, and why it is this one: the estimated seconds of all.
pub fn choose_with_reason(name: &str, task: &Task) -> Result<(&'static Integrator, String), Error> {
    if name == "auto" {
        let mut costs: Vec<(&Integrator, f64)> =
            INTEGRATORS.iter().map(|method| (method, (method.cost)(task))).collect();
        costs.sort_by(|a, b| a.1.total_cmp(&b.1));
        let others: Vec<String> = costs[1..].iter().map(|(m, cost)| format!("{} {cost:.1e} s", m.name)).collect();
        return Ok((costs[0].0, format!("least estimated time: {:.1e} s; {}", costs[0].1, others.join(", "))));
    }
    let method = INTEGRATORS.iter().find(|method| method.name == name);
    method.map(|method| (method, "asked for".to_string())).ok_or_else(|| {
        let names: Vec<_> = INTEGRATORS.iter().map(|method| method.name).collect();
        Error::invalid(
            format!("there is no Fokker-Planck integrator \"{name}\""),
            format!("write \"auto\" or one of: {}", names.join(", ")),
        )
        .set_by(&[Setting::Integrator])
    })
}
