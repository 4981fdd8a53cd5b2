//! `analysis.escape_rates` as written, and its checks.

use std::ops::Range;
use std::sync::Arc;

use miette::Result;

use super::super::{Analysis, Context, Request, Scale};
use super::EscapeRates;
use crate::reader::table::{Table, Value};

/// Most walkers for a pair of minima.
const MOST_WALKERS: u64 = 1_000_000;

/// Reads `analysis.escape_rates`.
pub(super) fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let asked = table.optional("escape_rates", |value| {
        if value.is_boolean() {
            let wanted = value.boolean()?.value;
            return Ok(wanted.then(|| EscapeRates { walkers: 0, horizon: None, span: value.span() }));
        }
        let table = value.table(&["walkers", "horizon"])?;
        let count = |v: &Value| Ok(v.count(0..=MOST_WALKERS)?.value as usize);
        let walkers = table.or("walkers", 0, "0", count)?;
        let horizon = table.optional("horizon", |v| Ok(v.positive()?.value))?;
        Ok(Some(EscapeRates { walkers, horizon, span: value.span() }))
    })?;
    Ok(asked.flatten().map(|asked| Arc::new(asked) as Arc<dyn Request>))
}

impl Request for EscapeRates {
    /// Errors: a drift that is not the gradient of a loss, one minimum on the grid or none.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        if !context.problem.model.has_loss() {
            let message =
                "`analysis.escape_rates` needs the basins of a loss, and this drift is not the gradient of one";
            let help = "write `loss` instead of `drift` (importance sampling: a number as `scale`), or name the sets in `first_passage`";
            return Err(context.source.error(&self.span, message, "no loss", help));
        }
        super::super::basins::Basins::of(context.problem)
            .map_err(|error| context.solver_error(&self.span, "between which basins?", &error))?;
        Ok(Some(Arc::new(self.clone())))
    }

    fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Time and committor of a passage, and the basins.
    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        4.0
    }
}
