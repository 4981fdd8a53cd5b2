//! `fpsolve show RECORD`: what is in a record.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args as _;
use sha2::{Digest, Sha256};

use crate::error::{Failure, Outcome};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::summary::{summary, summary_data};
use crate::text::{short, wrapped};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "show",
    about: "Print what is in a record: groups, datasets with their axes, attributes",
    arguments: Args::augment_args,
    run: |matches| {
        let args: Args = super::arguments(matches);
        super::guard::guarded(&args.record, || run(&args))
    },
};

/// Arguments of `fpsolve show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve show transient.h5 stationary
  fpsolve show transient.h5 --json | jq .verdicts
  fpsolve show transient.h5 --digest")]
struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// A group in it, such as stationary [default: all of them]
    #[arg(conflicts_with_all = ["summary", "json", "digest"])]
    group: Option<String>,
    /// The summary that the run printed
    #[arg(long)]
    summary: bool,
    /// The same as data: status, errors, findings, verdicts and warnings as JSON
    #[arg(long, conflicts_with = "summary")]
    json: bool,
    /// SHA-256 of every dataset and attribute outside /provenance, and of all of them: equal for equal numbers, bit for bit
    #[arg(long, conflicts_with_all = ["summary", "json"])]
    digest: bool,
}

/// Longest text of an attribute that is printed, in characters.
const MAX_TEXT: usize = 60;

fn run(args: &Args) -> Result<Outcome, Failure> {
    let record = super::plot::read(&args.record)?;
    if args.summary {
        super::print_summary(&summary(&record))?;
        return Ok(Outcome::Done);
    }
    if args.json {
        super::print(&format!("{:#}\n", summary_data(&record)))?;
        return Ok(Outcome::Done);
    }
    if args.digest {
        super::print(&digest(&record))?;
        return Ok(Outcome::Done);
    }
    let path = args.group.as_deref().unwrap_or("").trim_matches('/');
    let Some(group) = record.group(path) else {
        let names: Vec<&str> = record.groups.iter().map(|group| group.name.as_str()).collect();
        let message = format!("there is no group {path} in {}", args.record.display());
        let help = format!("its groups are {}", names.join(", "));
        return Err(Failure::input(crate::error::advice(message, help)));
    };
    let mut out = String::new();
    tree(group, path, &mut out);
    super::print(&wrapped(&out))?;
    Ok(Outcome::Done)
}

/// A group with all that is in it, one line each.
fn tree(group: &Group, path: &str, out: &mut String) {
    let _ = writeln!(out, "/{path}");
    for (name, value) in &group.attributes {
        let _ = writeln!(out, "  {name} = {}", words(value));
    }
    for dataset in &group.datasets {
        let _ = writeln!(out, "  {}", line(dataset));
    }
    for inner in &group.groups {
        tree(inner, format!("{path}/{}", inner.name).trim_start_matches('/'), out);
    }
}

/// One line for each attribute and dataset outside /provenance, sorted, then one for all of them.
fn digest(record: &Record) -> String {
    let mut lines = Vec::new();
    digests(record, "", &mut lines);
    lines.sort();
    let text: String = lines.into_iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    format!("{text}{}  all\n", sha256(text.as_bytes()))
}

fn digests(group: &Group, path: &str, lines: &mut Vec<(String, String)>) {
    for (name, value) in &group.attributes {
        let bytes = match value {
            Attribute::Float(x) => x.to_bits().to_le_bytes().to_vec(),
            Attribute::Integer(n) => n.to_le_bytes().to_vec(),
            Attribute::Text(text) => text.clone().into_bytes(),
        };
        lines.push((format!("{path}@{name}"), sha256(&bytes)));
    }
    for dataset in &group.datasets {
        let values = match &dataset.values {
            Values::Float(a) => a.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect(),
            Values::Integer(a) => a.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::Text(rows) => rows.join("\0").into_bytes(),
        };
        let shape = dataset.shape().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let told = [dataset.axes.join(" "), shape, dataset.units.clone(), dataset.long_name.clone()].join("\0");
        lines.push((format!("{path}/{}", dataset.name), sha256(&[told.as_bytes(), values.as_slice()].concat())));
    }
    for inner in group.groups.iter().filter(|inner| !path.is_empty() || inner.name != "provenance") {
        digests(inner, &format!("{path}/{}", inner.name), lines);
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn words(value: &Attribute) -> String {
    match value {
        Attribute::Float(x) => short(*x),
        Attribute::Integer(n) => n.to_string(),
        Attribute::Text(text) => {
            let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let cut: String = line.chars().take(MAX_TEXT).collect();
            if cut.len() < line.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
        }
    }
}

/// `density [time 26, x 300] in 1/x: probability density`.
fn line(dataset: &Dataset) -> String {
    let axes = dataset.axes.iter().zip(dataset.shape()).map(|(axis, n)| format!("{axis} {n}"));
    let axes = axes.collect::<Vec<_>>().join(", ");
    let units = if dataset.units == "1" { String::new() } else { format!(" in {}", dataset.units) };
    format!("{} [{axes}]{units}: {}", dataset.name, dataset.long_name)
}
