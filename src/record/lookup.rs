//! Looking up the numbers that `[expect]` names: a path in the record, then one selector for each axis.

use ndarray::IxDyn;

use crate::record::{Attribute, Dataset, Record, Values};

/// The number at `path`: an attribute, or a dataset followed by one selector per axis.
///
/// A selector is an index (`3`; negative ones count from the end, `-1` is the last), or the name of a variable on an axis
/// of components. `stationary/mean/x`, `fokker_planck/covariance/-1/x/x`, `fokker_planck/mass_error`.
/// Errors: a sentence that says how far the path leads and what could follow there.
pub fn lookup(record: &Record, path: &str) -> Result<f64, String> {
    if let Some(attribute) = record.attribute(path) {
        return match attribute {
            Attribute::Float(x) => Ok(*x),
            Attribute::Integer(i) => Ok(*i as f64),
            Attribute::Text(text) => Err(format!("`{path}` is the text {text:?}, not a number")),
        };
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for cut in (1..=parts.len()).rev() {
        if let Some(dataset) = record.dataset(&parts[..cut].join("/")) {
            return select(record, dataset, &parts[cut..]).map_err(|why| format!("`{path}`: {why}"));
        }
    }
    Err(format!("the record has no `{path}`; {}", what_is_there(record, &parts)))
}

fn select(record: &Record, dataset: &Dataset, selectors: &[&str]) -> Result<f64, String> {
    let shape: Vec<usize> = match &dataset.values {
        Values::Float(a) => a.shape().to_vec(),
        Values::Integer(a) => a.shape().to_vec(),
        Values::Text(_) => return Err(format!("`{}` holds text, not numbers", dataset.name)),
    };
    if selectors.len() != shape.len() {
        return Err(format!(
            "`{}` has the axes [{}] and needs {} selectors after it, not {}",
            dataset.name,
            dataset.axes.join(", "),
            shape.len(),
            selectors.len()
        ));
    }
    let mut index = Vec::with_capacity(shape.len());
    for (k, (&selector, &n)) in selectors.iter().zip(&shape).enumerate() {
        index.push(position(record, selector, n).ok_or_else(|| {
            format!("`{selector}` is no index on axis `{}` (0 to {}, or a variable's name)", dataset.axes[k], n - 1)
        })?);
    }
    let value = match &dataset.values {
        Values::Float(a) => a.get(IxDyn(&index)).copied(),
        Values::Integer(a) => a.get(IxDyn(&index)).map(|&i| i as f64),
        Values::Text(_) => None,
    };
    value.ok_or_else(|| "no such entry".to_string())
}

fn position(record: &Record, selector: &str, n: usize) -> Option<usize> {
    if let Ok(i) = selector.parse::<i64>() {
        let i = if i < 0 { i + n as i64 } else { i };
        return usize::try_from(i).ok().filter(|&i| i < n);
    }
    let variables = record.group("grid")?.datasets.iter().filter(|d| !d.name.ends_with("_edges"));
    variables.map(|d| d.name.as_str()).position(|name| name == selector).filter(|&i| i < n)
}

fn what_is_there(record: &Record, parts: &[&str]) -> String {
    let mut depth = 0;
    while depth < parts.len() && record.group(&parts[..=depth].join("/")).is_some() {
        depth += 1;
    }
    let here = parts[..depth].join("/");
    let Some(group) = record.group(&here) else { return String::new() };
    let names = group.groups.iter().map(|g| &g.name);
    let names =
        names.chain(group.datasets.iter().map(|d| &d.name)).chain(group.attributes.iter().map(|(name, _)| name));
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("`/{here}` holds {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ndarray::ArrayD;

    fn record() -> Record {
        let mut record = Record::new("");
        let scale = |name: &str| Dataset {
            name: name.into(),
            values: Values::Float(ArrayD::zeros(IxDyn(&[3]))),
            axes: vec![name.into()],
            units: "1".into(),
            long_name: String::new(),
        };
        record.group_mut("grid").datasets.extend([scale("x"), scale("x_edges"), scale("y")]);
        let mean = ArrayD::from_shape_fn(IxDyn(&[4, 2]), |i| (10 * i[0] + i[1]) as f64);
        let engine = record.group_mut("fokker_planck");
        engine.set("mass_error", Attribute::Float(1e-14));
        engine.datasets.push(Dataset {
            name: "mean".into(),
            values: Values::Float(mean),
            axes: vec!["time".into(), "component".into()],
            units: "1".into(),
            long_name: String::new(),
        });
        record
    }

    #[test]
    fn finds_attributes_and_entries() {
        let record = record();
        assert_eq!(lookup(&record, "fokker_planck/mass_error"), Ok(1e-14));
        assert_eq!(lookup(&record, "fokker_planck/mean/2/y"), Ok(21.0));
        assert_eq!(lookup(&record, "fokker_planck/mean/-1/0"), Ok(30.0));
    }

    #[test]
    fn says_what_could_follow() {
        let record = record();
        assert!(lookup(&record, "fokker_planck/maen").unwrap_err().contains("`mean`"));
        assert!(lookup(&record, "fokker_planck/mean/2").unwrap_err().contains("time, component"));
        assert!(lookup(&record, "fokker_planck/mean/7/x").unwrap_err().contains("0 to 3"));
    }
}
