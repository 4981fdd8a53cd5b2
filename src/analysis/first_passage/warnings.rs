//! Where a first passage is not what it seems.

use fpsolve_solvers::escape::by_walkers::FirstPassage;
use fpsolve_solvers::escape::passage::{Passage, Target};

use crate::analysis::walkers::Walkers;

/// Sentences on first passages whose mean is not what it seems.
pub fn warnings(passage: &Passage, kind: Walkers, found: &FirstPassage) -> Vec<String> {
    let (name, horizon, whose) = (&passage.name, found.horizon, kind.title());
    let mut warnings = Vec::new();
    if found.censored() > 0.0 {
        let share = 100.0 * found.censored();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the {whose} walkers had not arrived by the horizon t = {horizon}; their mean time \
             is too small: write a longer `horizon`"
        ));
    }
    if !found.absorbed.is_empty() {
        let share = 100.0 * found.absorbed();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the {whose} walkers were absorbed at a wall; the mean time counts them, the one \
             conditional on the target does not"
        ));
    }
    if found.undecided() > 0.0 {
        let share = 100.0 * found.undecided();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the {whose} walkers had come neither to the target nor to what excludes it by the \
             horizon t = {horizon}; their committor is that of the others: write a longer `horizon`"
        ));
    }
    if kind == Walkers::Langevin {
        warnings.extend(without_surface(passage));
    }
    warnings
}

/// Sets whose surface is not known, so that arrivals of the SDE are seen at the ends of steps only.
fn without_surface(passage: &Passage) -> Vec<String> {
    let name = &passage.name;
    let sets = std::iter::once(("target", &passage.target)).chain(passage.avoid.iter().map(|a| ("avoided set", a)));
    let late = |(role, set): (&str, &Target)| {
        format!(
            "escape \"{name}\": the {role} \"{}\" has no surface to build bridges to; Langevin walkers arrive late by about a \
             step's length: write it with < and >, joined by * (both) or max (either)",
            set.text()
        )
    };
    sets.filter(|(_, set)| !set.has_boundary()).map(late).collect()
}
