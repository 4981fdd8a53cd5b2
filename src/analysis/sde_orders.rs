//! How far the SDE's law of the long run is from that of SGD at orders 1, 2 and 3. Runs unasked where the transfer operator found a unique
//! law of plain SGD on one axis.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::diffusion::Minibatch;
use fpsolve_solvers::dynamics::line_law::stationary_on_line;
use fpsolve_solvers::dynamics::{ModifiedDynamics, Order};
use fpsolve_solvers::engine::Interrupt;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density::{from_probability, total_variation};
use fpsolve_solvers::transfer_operator::Rule;
use fpsolve_validation::statistics::absolute_integral;
use miette::Result;

use super::outlook::{Outlook, Rehearsed};
use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject};
use crate::engine::sgd::SgdTable;
use crate::engine::transfer_operator;
use crate::engine::work::Stopwatch;
use crate::record::read::column;
use crate::record::scales::{array, field, index_scale};
use crate::record::{Dataset, Record};
use crate::text::short;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "sde_orders",
    key: None,
    about: "the SDE's law of the long run at orders 1, 2, 3 beside that of SGD; /transfer_operator/sde_…",
    subject: Subject::Law,
    groups: &[],
    read: |_| Ok(Some(Arc::new(SdeOrders))),
    words,
};

#[derive(Debug, Clone)]
struct SdeOrders;

/// The orders, and the numbers they go by.
const ORDERS: [Order; 3] = [Order::One, Order::Two, Order::Three];

struct Orders {
    /// Cell probabilities at each order; not numbers where the equation has no law.
    laws: Vec<Vec<f64>>,
    total_variation: Vec<f64>,
    wasserstein_1: Vec<f64>,
}

impl Request for SdeOrders {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let applies = context.problem.minibatch.is_some() && context.problem.dimension() == 1;
        Ok(applies.then(|| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for SdeOrders {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let rule = finished.options.of::<SgdTable>().options.build()?.chain();
        let count = match rule {
            Some(Rule::Sgd) => ORDERS.len(),
            Some(Rule::Svag { .. }) => 1, // corrections for the step are those of plain SGD
            Some(Rule::Momentum { .. }) | None => return Ok(None),
        };
        let run = finished.run_of(transfer_operator::ENTRY.group).filter(|run| run.failure.is_none());
        let Some(long_run) = run.and_then(|run| run.engine.long_run()).filter(|law| law.class_laws.len() == 1) else {
            return Ok(None);
        };
        let model = &finished.problem.model;
        if !Arc::clone(model).shared_data().is_some_and(|data| data.uniform_sampling()) {
            return Ok(None);
        }
        Ok(Some(Box::new(orders(finished.problem, &long_run.probability, count, finished.interrupt)?)))
    }

    /// The orders on the coarse grid, beside any law, where the chain of descent will run.
    fn expected(&self, rehearsed: &Rehearsed) -> Outlook {
        let (finished, start) = (rehearsed.finished, Stopwatch::start());
        if rehearsed.chain.is_some() {
            let any = vec![0.0; finished.problem.grid.len()];
            let _ = orders(finished.problem, &any, ORDERS.len(), finished.interrupt);
        }
        Outlook { seconds: start.seconds() * rehearsed.growth, ..Outlook::default() }
    }
}

/// The first `count` orders.
fn orders(problem: &Problem, law: &[f64], count: usize, interrupt: Interrupt) -> Result<Orders, Error> {
    let rate = problem.minibatch.map_or(0.0, |minibatch| minibatch.learning_rate);
    let noise = Arc::new(Minibatch::new(&*problem.model)?);
    let lengths = [problem.grid.axes()[0].length()];
    let one = |order: Order| {
        let model = Arc::clone(&problem.model);
        let dynamics = ModifiedDynamics::new(model, noise.clone(), order, rate, problem.temperature);
        // the diffusion of order 3 need not be positive: that order then has no law
        match stationary_on_line(&dynamics.with_lengths(&lengths), problem.temperature, &problem.grid, interrupt) {
            Err(error @ Error::Interrupted { .. }) => Err(error),
            law_of_order => Ok(law_of_order.unwrap_or_else(|_| vec![f64::NAN; law.len()])),
        }
    };
    let laws = ORDERS.into_iter().take(count).map(one).collect::<Result<Vec<_>, _>>()?;
    let widths = vec![problem.grid.axes()[0].spacing(); law.len()];
    let wasserstein = |other: &Vec<f64>| {
        let mut edges = vec![0.0; law.len() + 1];
        (0..law.len()).for_each(|i| edges[i + 1] = edges[i] + law[i] - other[i]);
        absolute_integral(&edges, &widths, 0.0)
    };
    let distances = laws.iter().map(|other| total_variation(law, other)).collect();
    Ok(Orders { total_variation: distances, wasserstein_1: laws.iter().map(wasserstein).collect(), laws })
}

impl Findings for Orders {
    /// Adds `sde_order` (k), `sde_density` (k, n), `sde_total_variation` and `sde_wasserstein_1` (k) to `/transfer_operator`.
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let group = record.group_mut(transfer_operator::ENTRY.group);
        let k = self.laws.len();
        group.datasets.push(index_scale("sde_order", k, "order of the modified equation, less 1"));
        let densities = self.laws.iter().flat_map(|law| from_probability(&problem.grid, law)).collect();
        let long_name = "stationary density of the SDE of order 1, 2, 3, cell averages";
        group.datasets.push(field("sde_density", &problem.grid, &[("sde_order", k)], densities, "1", long_name));
        let mut row = |name: &str, values: &[f64], long_name: &str| {
            let values = array(&[k], values.to_vec());
            group.datasets.push(Dataset::float(name, values, &["sde_order"], "1", long_name));
        };
        let long_name = "½ ∫ |ρ − ρ_SDE| dθ of the laws of the long run, by cells";
        row("sde_total_variation", &self.total_variation, long_name);
        row("sde_wasserstein_1", &self.wasserstein_1, "∫ |F − F_SDE| dθ of the laws of the long run");
    }
}

/// The distances, order by order.
fn words(record: &Record) -> Vec<String> {
    let group = record.group(transfer_operator::ENTRY.group);
    let values = |name: &str| group.and_then(|group| column(group, name));
    let (Some(variation), Some(wasserstein)) = (values("sde_total_variation"), values("sde_wasserstein_1")) else {
        return Vec::new();
    };
    let list = |values: &[f64]| {
        let one = |value: &f64| if value.is_nan() { "none".into() } else { short(*value) };
        values.iter().map(one).collect::<Vec<String>>().join(", ")
    };
    let orders: Vec<String> = (1..=variation.len()).map(|k| k.to_string()).collect();
    vec![format!(
        "law of SGD in the long run against the SDE of order {}: total variation {}; wasserstein_1 {}",
        orders.join(", "),
        list(&variation),
        list(&wasserstein)
    )]
}
