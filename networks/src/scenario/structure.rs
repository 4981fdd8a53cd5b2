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
    /// Learning rate in the plane and batch size of escapes; those of training where they are not given.
    pub escape: Option<(f64, usize)>,
    place: std::ops::Range<usize>,
}

/// Reads `[structure]`. Errors: values out of range; no network.
pub(super) fn read(root: &Table) -> Result<Option<Structure>> {
    let Some(value) = root.get("structure") else { return Ok(None) };
    let table = value.table(&["channels", "hidden", "escape"])?;
    let help =
        "write channels = [[4], [8], [4, 8], [8, 16]]: a network for each list, so many channels in each convolution";
    let lists = table.require("channels", help)?;
    let hidden = table.or("hidden", vec![64], "[64]", |v| {
        v.list()?.iter().map(|v| Ok(v.count(0..=65_536)?.value as usize)).collect()
    })?;
    let escape = table.optional("escape", |value| {
        let table = value.table(&["learning_rate", "batch_size"])?;
        let help = "write escape = { learning_rate = 0.02, batch_size = 1 }, the rate in units of the plane";
        let rate = table.require("learning_rate", help)?.positive()?.value;
        Ok((rate, table.require("batch_size", help)?.count(1..=65_536)?.value as usize))
    })?;
    let channels = lists.list()?.iter().map(architecture::channels).collect::<Result<Vec<_>>>()?;
    let every = |channels: &Vec<usize>| {
        hidden.iter().map(|&hidden| Architecture::Cnn { channels: channels.clone(), hidden }).collect::<Vec<_>>()
    };
    let architectures: Vec<Architecture> = channels.iter().flat_map(every).collect();
    if architectures.is_empty() {
        return Err(lists.error("`structure` names no network", "empty", help));
    }
    Ok(Some(Structure { architectures, escape, place: value.span() }))
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
