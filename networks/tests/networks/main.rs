//! Networks from end to end: structure, gradients, data, importance sampling, checkpoints, slices, the program.
#![allow(clippy::unwrap_used)]

mod architectures;
mod graphics_card;
mod importance;
mod program;
mod readers;
mod slices;

use std::path::Path;

use fpsolve::reader::Source;
use fpsolve_networks::data::DataSet;
use fpsolve_networks::scenario::Scenario;

/// The folder of the crate.
pub const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A scenario of digits: `network` are lines of [network] and what follows [network.data].
pub fn digits(network: &str, rest: &str) -> Scenario {
    let text = format!(
        "name = \"digits\"\nseed = 3\n[network]\n{network}\n[network.data]\nkind = \"csv\"\nfile = \"data/digits.csv.gz\"\n\
         shape = [8, 8]\nwhite = 16\n{rest}"
    );
    let path = Path::new(HERE).join("scenarios/digits.toml");
    Scenario::parse(Source::from_text(&path, text)).unwrap()
}

/// Its images.
pub fn data(scenario: &Scenario) -> DataSet {
    DataSet::read(&scenario.data, &scenario.source, scenario.seed).map_err(|failure| failure.report).unwrap()
}
