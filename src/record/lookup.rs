//! Looking up the numbers that `[expect]` names: a path in the record, then one selector for each axis.

use ndarray::IxDyn;

use crate::record::{Attribute, Dataset, Record, Values};
use crate::text::nearest;

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

/// The path of what stands beside the number at `path` under a longer name: `langevin/mean_se/-1/x` for `langevin/mean/-1/x` and `_se`.
pub fn beside(record: &Record, path: &str, suffix: &str) -> String {
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(String::from).collect();
    let is_attribute = record.attribute(path).is_some();
    let cut = (1..=parts.len()).rev().find(|&cut| is_attribute || record.dataset(&parts[..cut].join("/")).is_some());
    if let Some(name) = cut.and_then(|cut| parts.get_mut(cut - 1)) {
        name.push_str(suffix);
    }
    parts.join("/")
}

/// Whether a record has the dataset or attribute that a path names, whatever is selected of it. Errors: a sentence on what is not there,
/// with the nearest name.
pub fn names(record: &Record, path: &str) -> Result<(), String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_there = |cut: usize| {
        let path = parts[..cut].join("/");
        record.dataset(&path).is_some() || (cut == parts.len() && record.attribute(&path).is_some())
    };
    if (1..=parts.len()).any(is_there) {
        return Ok(());
    }
    let depth = (0..=parts.len()).rev().find(|&depth| record.group(&parts[..depth].join("/")).is_some()).unwrap_or(0);
    let here = parts[..depth].join("/");
    let Some(group) = record.group(&here) else { return Err(format!("the record has no `{path}`")) };
    let names: Vec<&str> = group
        .groups
        .iter()
        .map(|g| g.name.as_str())
        .chain(group.datasets.iter().map(|d| d.name.as_str()))
        .chain(group.attributes.iter().map(|(name, _)| name.as_str()))
        .collect();
    let Some(wrong) = parts.get(depth) else {
        return Err(format!("`{path}` is a group, not a number: it holds {}", names.join(", ")));
    };
    let near = nearest(wrong, &names).map_or(String::new(), |near| {
        let rest = [&[here.as_str(), near], &parts[depth + 1..]].concat();
        let path = rest.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        format!("; did you mean `{path}`?")
    });
    Err(format!("the record has no `{path}`: `/{here}` has no `{wrong}`{near}\n`/{here}` holds {}", names.join(", ")))
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
    fn bars_stand_beside_their_numbers() {
        let record = record();
        assert_eq!(beside(&record, "fokker_planck/mean/-1/x", "_se"), "fokker_planck/mean_se/-1/x");
        assert_eq!(beside(&record, "fokker_planck/mass_error", "_error"), "fokker_planck/mass_error_error");
    }

    #[test]
    fn names_are_looked_for_whatever_is_selected() {
        let record = record();
        assert_eq!(names(&record, "fokker_planck/mean/700/x"), Ok(()));
        assert_eq!(names(&record, "fokker_planck/mass_error"), Ok(()));
        let said = |path: &str| names(&record, path).unwrap_err();
        assert!(said("fokker_planck/maen/2/x").contains("did you mean `fokker_planck/mean/2/x`?"));
        assert!(said("foker_planck/mean").contains("did you mean `fokker_planck/mean`?"));
        assert!(said("fokker_planck").contains("is a group"));
    }

    #[test]
    fn says_what_could_follow() {
        let record = record();
        assert!(lookup(&record, "fokker_planck/maen").unwrap_err().contains("`mean`"));
        assert!(lookup(&record, "fokker_planck/mean/2").unwrap_err().contains("time, component"));
        assert!(lookup(&record, "fokker_planck/mean/7/x").unwrap_err().contains("0 to 3"));
    }
}
