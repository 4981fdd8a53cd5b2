//! The state of an engine as a value: what it needs, beside its problem and options, to go on as if it had never stopped.
//!
//! A type says once, in a function `archive`, which of its numbers belong to its state; an [`Archive`] then either notes them or puts them
//! back, so that what is saved and what is restored cannot drift apart. What follows from the problem alone (generators, factorisations,
//! stationary laws) is no state: it is computed again when the engine is built.

use crate::Error;

/// Named numbers, and parts of the same kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Arrays by name.
    pub arrays: Vec<(String, Numbers)>,
    /// The states of parts by name.
    pub parts: Vec<(String, State)>,
}

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Floating-point numbers.
    Floats(Vec<f64>),
    /// Counts, flags and words of random generators.
    Words(Vec<u64>),
}

/// Notes a state, or puts it back.
pub struct Archive<'a>(Direction<'a>);

enum Direction<'a> {
    Saving(&'a mut State),
    Restoring(&'a State),
}

/// Goes over the numbers of a state.
pub type Visit<'v> = &'v mut dyn FnMut(&mut Archive) -> Result<(), Error>;

impl State {
    /// What `visit` notes. Errors: its own.
    pub fn save(visit: Visit) -> Result<Self, Error> {
        let mut state = Self::default();
        visit(&mut Archive(Direction::Saving(&mut state)))?;
        Ok(state)
    }

    /// Puts the numbers back. Errors: a number is missing, or there is another count of them.
    pub fn restore(&self, visit: Visit) -> Result<(), Error> {
        visit(&mut Archive(Direction::Restoring(self)))
    }

    /// The part of this name.
    pub fn part(&self, name: &str) -> Option<&State> {
        self.parts.iter().find(|(other, _)| other == name).map(|(_, part)| part)
    }

    /// The last number of an array.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.floats(name).ok()?.last().copied()
    }

    fn floats(&self, name: &str) -> Result<&[f64], Error> {
        match self.arrays.iter().find(|(other, _)| other == name) {
            Some((_, Numbers::Floats(values))) => Ok(values),
            _ => Err(does_not_fit(name, "no numbers of this name")),
        }
    }

    fn words(&self, name: &str) -> Result<&[u64], Error> {
        match self.arrays.iter().find(|(other, _)| other == name) {
            Some((_, Numbers::Words(values))) => Ok(values),
            _ => Err(does_not_fit(name, "no counts of this name")),
        }
    }
}

fn does_not_fit(name: &str, what: &str) -> Error {
    let help = "run the scenario again from the start";
    Error::invalid(format!("the saved state does not belong to this run: `{name}`: {what}"), help)
}

fn same_length(name: &str, there: usize, wanted: usize) -> Result<(), Error> {
    if there == wanted {
        return Ok(());
    }
    Err(does_not_fit(name, &format!("{there} numbers in the place of {wanted}")))
}

impl Archive<'_> {
    /// Whether numbers are put back.
    pub fn is_restoring(&self) -> bool {
        matches!(self.0, Direction::Restoring(_))
    }

    /// Numbers of any count. Errors: as for [`State::restore`].
    pub fn vector(&mut self, name: &str, values: &mut Vec<f64>) -> Result<(), Error> {
        match &mut self.0 {
            Direction::Saving(state) => state.arrays.push((name.into(), Numbers::Floats(values.clone()))),
            Direction::Restoring(state) => *values = state.floats(name)?.to_vec(),
        }
        Ok(())
    }

    /// Counts of any count. Errors: as for [`State::restore`].
    pub fn counts(&mut self, name: &str, values: &mut Vec<u64>) -> Result<(), Error> {
        match &mut self.0 {
            Direction::Saving(state) => state.arrays.push((name.into(), Numbers::Words(values.clone()))),
            Direction::Restoring(state) => *values = state.words(name)?.to_vec(),
        }
        Ok(())
    }

    /// Numbers whose count follows from the problem. Errors: as for [`State::restore`].
    pub fn array(&mut self, name: &str, values: &mut [f64]) -> Result<(), Error> {
        self.pieces(name, vec![values])
    }

    /// One number. Errors: as for [`State::restore`].
    pub fn number(&mut self, name: &str, value: &mut f64) -> Result<(), Error> {
        self.array(name, std::slice::from_mut(value))
    }

    /// One count. Errors: as for [`State::restore`].
    pub fn count(&mut self, name: &str, value: &mut u64) -> Result<(), Error> {
        self.words(name, vec![std::slice::from_mut(value)])
    }

    /// Whether something holds. Errors: as for [`State::restore`].
    pub fn flag(&mut self, name: &str, value: &mut bool) -> Result<(), Error> {
        let mut word = u64::from(*value);
        self.count(name, &mut word)?;
        *value = word != 0;
        Ok(())
    }

    /// Numbers that lie in several pieces, one after the other; the lengths follow from the problem. Errors: as for [`State::restore`].
    pub fn pieces(&mut self, name: &str, pieces: Vec<&mut [f64]>) -> Result<(), Error> {
        match &mut self.0 {
            Direction::Saving(state) => state.arrays.push((name.into(), Numbers::Floats(joined(&pieces)))),
            Direction::Restoring(state) => put_back(name, state.floats(name)?, pieces)?,
        }
        Ok(())
    }

    /// Words that lie in several pieces. Errors: as for [`State::restore`].
    pub fn words(&mut self, name: &str, pieces: Vec<&mut [u64]>) -> Result<(), Error> {
        match &mut self.0 {
            Direction::Saving(state) => state.arrays.push((name.into(), Numbers::Words(joined(&pieces)))),
            Direction::Restoring(state) => put_back(name, state.words(name)?, pieces)?,
        }
        Ok(())
    }

    /// Lists of numbers, each of any length; how many there are follows from the problem. Errors: as for [`State::restore`].
    pub fn lists(&mut self, name: &str, lists: Vec<&mut Vec<f64>>) -> Result<(), Error> {
        let mut lengths: Vec<u64> = lists.iter().map(|list| list.len() as u64).collect();
        let count = lengths.len();
        self.counts(&format!("{name}_lengths"), &mut lengths)?;
        same_length(name, lengths.len(), count)?;
        match &mut self.0 {
            Direction::Saving(state) => {
                let all = lists.iter().flat_map(|list| list.iter().copied()).collect();
                state.arrays.push((name.into(), Numbers::Floats(all)));
            }
            Direction::Restoring(state) => {
                let mut rest = state.floats(name)?;
                for (list, &length) in lists.into_iter().zip(&lengths) {
                    let cut = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
                    let (first, others) = cut.ok_or_else(|| does_not_fit(name, "fewer numbers than it says"))?;
                    (*list, rest) = (first.to_vec(), others);
                }
                same_length(name, rest.len(), 0)?;
            }
        }
        Ok(())
    }

    /// A growing list of lists, all of one length each: those of the output times so far. Errors: as for [`State::restore`].
    pub fn rows(&mut self, name: &str, rows: &mut Vec<Vec<f64>>) -> Result<(), Error> {
        let mut count = rows.len() as u64;
        self.count(&format!("{name}_rows"), &mut count)?;
        if let Direction::Restoring(state) = &self.0 {
            let there = state.words(&format!("{name}_lengths"))?.len();
            same_length(name, there, usize::try_from(count).unwrap_or(usize::MAX))?;
            *rows = vec![Vec::new(); there];
        }
        self.lists(name, rows.iter_mut().collect())
    }

    /// A number that may be missing. Errors: as for [`State::restore`].
    pub fn optional(&mut self, name: &str, value: &mut Option<f64>) -> Result<(), Error> {
        let mut list: Vec<f64> = value.iter().copied().collect();
        self.vector(name, &mut list)?;
        *value = list.first().copied();
        Ok(())
    }

    /// A part with names of its own. Errors: those of `visit`; the part is missing.
    pub fn part(&mut self, name: &str, visit: Visit) -> Result<(), Error> {
        match &mut self.0 {
            Direction::Saving(state) => state.parts.push((name.into(), State::save(visit)?)),
            Direction::Restoring(state) => {
                let part = state.part(name).ok_or_else(|| does_not_fit(name, "it is missing"))?;
                part.restore(visit)?;
            }
        }
        Ok(())
    }
}

fn joined<T: Copy>(pieces: &[&mut [T]]) -> Vec<T> {
    pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
}

fn put_back<T: Copy>(name: &str, from: &[T], pieces: Vec<&mut [T]>) -> Result<(), Error> {
    same_length(name, from.len(), pieces.iter().map(|piece| piece.len()).sum())?;
    let mut rest = from;
    for piece in pieces {
        let (first, others) = rest.split_at(piece.len());
        piece.copy_from_slice(first);
        rest = others;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Clone, PartialEq, Default)]
    struct Thing {
        a: Vec<f64>,
        b: [f64; 2],
        c: u64,
        d: Vec<Vec<f64>>,
        e: Option<f64>,
        f: bool,
        inner: Vec<f64>,
    }

    impl Thing {
        fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
            archive.vector("a", &mut self.a)?;
            archive.array("b", &mut self.b)?;
            archive.count("c", &mut self.c)?;
            archive.rows("d", &mut self.d)?;
            archive.optional("e", &mut self.e)?;
            archive.flag("f", &mut self.f)?;
            let inner = &mut self.inner;
            archive.part("inner", &mut |archive| archive.vector("a", inner))
        }
    }

    fn thing() -> Thing {
        let d = vec![vec![1.0], vec![], vec![2.0, -0.0]];
        Thing { a: vec![f64::INFINITY, 5e-324], b: [1.5, 2.5], c: u64::MAX, d, e: Some(0.1), f: true, inner: vec![7.0] }
    }

    #[test]
    fn what_was_noted_is_put_back() {
        let state = State::save(&mut |archive| thing().archive(archive)).unwrap();
        let mut other = Thing::default();
        state.restore(&mut |archive| other.archive(archive)).unwrap();
        assert_eq!(other, thing());
    }

    #[test]
    fn a_state_of_something_else_is_refused() {
        let state = State::save(&mut |archive| thing().archive(archive)).unwrap();
        let said = |state: &State| state.restore(&mut |a| Thing::default().archive(a)).unwrap_err().to_string();
        for k in 0..state.arrays.len() {
            let mut without = state.clone();
            let (name, _) = without.arrays.remove(k);
            assert!(said(&without).contains(name.trim_end_matches("_rows").trim_end_matches("_lengths")), "{name}");
            let mut longer = state.clone();
            match &mut longer.arrays[k].1 {
                Numbers::Floats(values) => values.push(1.0),
                Numbers::Words(values) => values.push(1),
            }
            // a list of any length is what it is
            assert!(["a", "e"].contains(&name.as_str()) || said(&longer).contains("in the place of"), "{name}");
        }
        assert!(said(&State { parts: Vec::new(), ..state.clone() }).contains("`inner`: it is missing"));
        let mut fewer = state.clone();
        let lengths = fewer.arrays.iter_mut().find(|(name, _)| name == "d_lengths").unwrap();
        lengths.1 = Numbers::Words(vec![u64::MAX; 3]);
        assert!(said(&fewer).contains("fewer numbers"));
    }
}
