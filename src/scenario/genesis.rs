//! `[genesis]`: the parameter over which `fpsolve genesis` follows critical points, and whether samples are left out one by one.

use std::ops::Range;

use miette::Result;

use crate::reader::{Located, Table, Value};

/// `[genesis]`.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// The parameter, as it is written.
    pub parameter: Option<Located<String>>,
    /// First value.
    pub from: Option<Located<f64>>,
    /// Last value.
    pub to: Option<Located<f64>>,
    /// How many samples of each minimum are followed as they are left out; None: not asked for.
    pub leave_one_out: Option<Located<usize>>,
    /// Where the table is written.
    pub span: Range<usize>,
}

/// The keys of `[genesis]`.
pub const KEYS: &[&str] = &["parameter", "from", "to", "leave_one_out"];
/// Samples that are followed where no number is written.
pub const FOLLOWED: usize = 10;
/// What it may look like.
pub const EXAMPLE: &str = "write for example\n[genesis]\nparameter = \"data.weight.5\"          # or \"model.parameters.a\", from = 0, to = 2\nleave_one_out = true";

/// Reads `[genesis]`; None where it is not written. Errors: nothing asked for, a range without a parameter or of no length.
pub fn read(root: &Table) -> Result<Option<Genesis>> {
    let Some(value) = root.get("genesis") else { return Ok(None) };
    let table = value.table(KEYS)?;
    let parameter = table.optional("parameter", Value::string)?;
    let (from, to) = (table.optional("from", Value::number)?, table.optional("to", Value::number)?);
    let leave_one_out = table.optional("leave_one_out", followed)?.flatten();
    if parameter.is_none() && leave_one_out.is_none() {
        return Err(value.error("`genesis` asks for nothing", "neither a parameter nor leave_one_out", EXAMPLE));
    }
    if let (None, Some(end)) = (&parameter, from.as_ref().or(to.as_ref())) {
        let message = "`genesis` has a range, and no parameter";
        return Err(value.source().error(&end.span, message, "of what?", EXAMPLE));
    }
    if let (Some(from), Some(to)) = (&from, &to)
        && from.value == to.value
    {
        let message = format!("the range of `genesis.parameter` is empty: it begins and ends at {}", from.value);
        return Err(value.source().error(&to.span, message, "not another than `from`", "write two different numbers"));
    }
    Ok(Some(Genesis { parameter, from, to, leave_one_out, span: value.span() }))
}

/// `true`, `false`, or a number of samples.
fn followed(value: &Value) -> Result<Option<Located<usize>>> {
    if value.is_boolean() {
        let span = value.span();
        return Ok(value.boolean()?.value.then_some(Located { value: FOLLOWED, span }));
    }
    Ok(Some(value.count(1..=u64::from(u32::MAX))?.map(|n| n as usize)))
}
