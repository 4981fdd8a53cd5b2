//! `[structure]`: the same analysis for networks of several sizes.

use fpsolve::reader::Table;
use miette::Result;

use super::{Directions, Scenario, architecture};
use crate::network::Architecture;

/// `[structure]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// The networks.
    pub architectures: Vec<Architecture>,
    place: std::ops::Range<usize>,
}

/// Reads `[structure]`. Errors: values out of range; no network.
pub(super) fn read(root: &Table) -> Result<Option<Structure>> {
    let Some(value) = root.get("structure") else { return Ok(None) };
    let table = value.table(&["channels", "hidden"])?;
    let help =
        "write channels = [[4], [8], [4, 8], [8, 16]]: a network for each list, so many channels in each convolution";
    let lists = table.require("channels", help)?;
    let hidden = table.or("hidden", vec![64], "[64]", |v| {
        v.list()?.iter().map(|v| Ok(v.count(0..=65_536)?.value as usize)).collect()
    })?;
    let channels = lists.list()?.iter().map(architecture::channels).collect::<Result<Vec<_>>>()?;
    let every = |channels: &Vec<usize>| {
        hidden.iter().map(|&hidden| Architecture::Cnn { channels: channels.clone(), hidden }).collect::<Vec<_>>()
    };
    let architectures: Vec<Architecture> = channels.iter().flat_map(every).collect();
    if architectures.is_empty() {
        return Err(lists.error("`structure` names no network", "empty", help));
    }
    Ok(Some(Structure { architectures, place: value.span() }))
}

impl Structure {
    /// Errors: no plane through minima to compare.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<()> {
        let [slice] = &scenario.slices[..] else {
            let help = "write one [[slice]] with directions = \"minima\"";
            return Err(scenario.source.error(
                &self.place,
                "a structure compares one slice",
                "needs one [[slice]]",
                help,
            ));
        };
        match slice.directions {
            Directions::Minima(_) => Ok(()),
            Directions::Pca | Directions::Hessian | Directions::Random => {
                let help = "write directions = \"minima\" and others";
                Err(scenario.source.error(&self.place, "a structure compares planes through minima", "", help))
            }
        }
    }
}
