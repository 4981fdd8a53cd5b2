//! The cases of a sweep: a grid over the axes, the last one fastest.

use miette::Result;

use crate::error::advice;
use crate::scenario::sweep::{Sweep, Swept};
use crate::text::{count, grouped};

/// Most cases of a sweep.
const MOST: usize = 100_000;

/// A direction of the grid of cases: a key, or several that vary together.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The first key with its dots as underscores: the dimension's name.
    pub name: String,
    /// The keys with as many values each.
    pub keys: Vec<Swept>,
}

impl Axis {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.keys.first().map_or(0, |swept| swept.values.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number that is collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Its path in a record.
    pub path: String,
    /// Its name in the table: the path with underscores.
    pub name: String,
}

/// What varies, and what is collected.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What varies.
    pub axes: Vec<Axis>,
    /// What is collected.
    pub collect: Vec<Collected>,
}

/// A path or a key as a name that a dataset can have.
pub fn name_of(path: &str) -> String {
    let signs = path.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' });
    let name: String = signs.collect();
    name.trim_matches('_').to_string()
}

const HELP: &str = "write --over dynamics.batch_size=1,2,4 --collect stationary/mean/x, or in the scenario\n[sweep]\n\
    over = { \"dynamics.batch_size\" = [1, 2, 4] }\ncollect = [\"stationary/mean/x\"]";

impl Plan {
    /// The cases of a sweep. Errors: nothing that varies, nothing to collect, a key or a path twice, lists of unequal length that should vary
    /// together, too many cases.
    pub fn new(sweep: &Sweep) -> Result<Self> {
        let grid = sweep.over.iter().map(|swept| Axis { name: name_of(&swept.key), keys: vec![swept.clone()] });
        let zipped = sweep.zip.first().map(|first| Axis { name: name_of(&first.key), keys: sweep.zip.clone() });
        let axes: Vec<Axis> = grid.chain(zipped).collect();
        if axes.is_empty() {
            return Err(advice("a sweep of nothing: no key varies", HELP));
        }
        if sweep.collect.is_empty() {
            return Err(advice("a sweep that collects nothing: no number is named", HELP));
        }
        let lengths: Vec<String> =
            sweep.zip.iter().map(|swept| format!("{} has {}", swept.key, swept.values.len())).collect();
        if sweep.zip.iter().any(|swept| swept.values.len() != sweep.zip[0].values.len()) {
            let message = format!("keys that vary together need as many values each: {}", lengths.join(", "));
            return Err(advice(message, "write lists of one length, or take --over for a grid of all combinations"));
        }
        let keys: Vec<&str> = axes.iter().flat_map(|axis| axis.keys.iter().map(|swept| swept.key.as_str())).collect();
        unique(&keys, "the key")?;
        unique(&sweep.collect.iter().map(String::as_str).collect::<Vec<_>>(), "the path")?;
        let cases = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.len()).filter(|n| *n <= MOST));
        if cases.is_none() {
            let lengths: Vec<String> = axes.iter().map(|axis| axis.len().to_string()).collect();
            let message = format!("{} cases are more than {}", lengths.join(" × "), grouped(MOST as u64));
            return Err(advice(message, "sweep fewer values, or in several parts"));
        }
        let collected = |path: &String| Collected { path: path.clone(), name: name_of(path) };
        Ok(Self { axes, collect: sweep.collect.iter().map(collected).collect() })
    }

    /// What is collected of cases that others know.
    pub fn of_paths(collect: &[String]) -> Self {
        let collected = |path: &String| Collected { path: path.clone(), name: name_of(path) };
        Self { axes: Vec::new(), collect: collect.iter().map(collected).collect() }
    }

    /// Number of cases.
    pub fn cases(&self) -> usize {
        self.axes.iter().map(Axis::len).product()
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(Axis::len).collect()
    }

    /// Place of a case on each axis.
    pub fn place(&self, case: usize) -> Vec<usize> {
        let mut rest = case;
        let mut place: Vec<usize> =
            self.axes.iter().rev().map(|axis| (rest % axis.len(), rest /= axis.len()).0).collect();
        place.reverse();
        place
    }

    /// Keys and values of a case.
    fn values(&self, case: usize) -> impl Iterator<Item = (&str, &str)> {
        let place = self.place(case);
        self.axes
            .iter()
            .zip(place)
            .flat_map(|(axis, k)| axis.keys.iter().map(move |s| (s.key.as_str(), s.values[k].as_str())))
    }

    /// The overrides of a case, `key=value`.
    pub fn settings(&self, case: usize) -> Vec<String> {
        self.values(case).map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// A case in words.
    pub fn words(&self, case: usize) -> String {
        self.values(case).map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    }

    /// The sweep in words: `4 × 8 cases over dynamics.batch_size and dynamics.learning_rate`.
    pub fn title(&self) -> String {
        let keys = |axis: &Axis| axis.keys.iter().map(|swept| swept.key.as_str()).collect::<Vec<_>>().join(" with ");
        let lengths: Vec<String> = self.axes.iter().map(|axis| axis.len().to_string()).collect();
        let cases =
            if lengths.len() == 1 { count(self.cases(), "case") } else { format!("{} cases", lengths.join(" × ")) };
        format!("{cases} over {}", self.axes.iter().map(keys).collect::<Vec<_>>().join(" and "))
    }
}

/// Errors: a word that stands twice, or two that become the same name.
fn unique(words: &[&str], what: &str) -> Result<()> {
    for (i, word) in words.iter().enumerate() {
        if let Some(other) = words[..i].iter().find(|other| name_of(other) == name_of(word)) {
            let message = match *other == *word {
                true => format!("{what} `{word}` stands twice"),
                false => format!("{what}s `{other}` and `{word}` would have the same name in the table"),
            };
            return Err(advice(message, "leave one of them out"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan(over: &[&str], zip: &[&str], collect: &[&str]) -> Result<Plan> {
        let all = |list: &[&str]| list.iter().map(|a| Swept::parse(a).unwrap()).collect();
        Plan::new(&Sweep { over: all(over), zip: all(zip), collect: collect.iter().map(|c| c.to_string()).collect() })
    }

    #[test]
    fn a_grid_and_lists_that_vary_together() {
        let plan = plan(
            &["dynamics.batch_size=1,2", "seed=1..3:3"],
            &["langevin.walkers=5,6", "langevin.step=0.1,0.2"],
            &["a/b"],
        )
        .unwrap();
        assert_eq!((plan.cases(), plan.shape()), (12, vec![2, 3, 2]));
        assert_eq!(plan.place(7), [1, 0, 1]);
        assert_eq!(plan.settings(7), ["dynamics.batch_size=2", "seed=1", "langevin.walkers=6", "langevin.step=0.2"]);
        assert_eq!(plan.axes[2].name, "langevin_walkers");
        assert!(
            plan.title().starts_with("2 × 3 × 2 cases over dynamics.batch_size and seed and langevin.walkers with")
        );
    }

    #[test]
    fn what_is_no_sweep_is_refused() {
        let said = |plan: Result<Plan>| plan.unwrap_err().to_string();
        assert!(said(plan(&[], &[], &["a"])).contains("a sweep of nothing"));
        assert!(said(plan(&["seed=1"], &[], &[])).contains("collects nothing"));
        assert!(said(plan(&["seed=1"], &["seed=2"], &["a"])).contains("the key `seed` stands twice"));
        assert!(said(plan(&["seed=1"], &[], &["a/b", "a_b"])).contains("the same name"));
        assert!(
            said(plan(&[], &["seed=1,2", "langevin.step=0.1"], &["a"])).contains("seed has 2, langevin.step has 1")
        );
        assert!(said(plan(&["seed=1..1000:1000", "time.end=1..1000:1000"], &[], &["a"])).contains("more than 100,000"));
    }
}
