//! Where a first passage is not what it seems.

use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::first_passage::FirstPassage;

/// Sentences on first passages whose mean is not what it seems.
pub fn warnings(passage: &Passage, found: &FirstPassage) -> Vec<String> {
    let (name, horizon) = (&passage.name, found.horizon);
    let mut warnings = Vec::new();
    if found.censored() > 0.0 {
        let share = 100.0 * found.censored();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers had not arrived by the horizon t = {horizon}; their mean time \
             is too small: write a longer `horizon`"
        ));
    }
    if !found.absorbed.is_empty() {
        let share = 100.0 * found.absorbed();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers were absorbed at a wall; the mean time is that of the others"
        ));
    }
    if found.undecided() > 0.0 {
        let share = 100.0 * found.undecided();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers had come neither to the target nor to what excludes it by the \
             horizon t = {horizon}; their committor is that of the others: write a longer `horizon`"
        ));
    }
    for (role, set) in
        std::iter::once(("target", &passage.target)).chain(passage.avoid.iter().map(|a| ("avoided set", a)))
    {
        if !set.has_boundary() {
            warnings.push(format!(
                "escape \"{name}\": the {role} \"{}\" has no surface to build bridges to; Langevin walkers arrive late by about a \
                 step's length: write it with < and >, joined by * (both) or max (either)",
                set.text()
            ));
        }
    }
    warnings
}
