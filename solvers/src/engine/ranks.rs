//! Several processes that compute one run together: who computes what, and how their parts come together. Solvers know no library for that:
//! the processes send each other [messages](Message), and a run of one process is that of [`Alone`].
//!
//! ```text
//! rank 0 holds the whole;   n things of equal work, and u of them more beside at rank 0:   n₀ = max(0, ⌊(n + u)/P⌋ − u),
//! the others have the rest in equal parts, contiguous in the order of the ranks
//! ```
//!
//! Each part comes from random streams of its own and is put where it belongs, so that nothing depends on the number of ranks.

use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use super::state::State;
use super::{Interrupt, Numbers};
use crate::Error;

/// Processes that compute one run together, numbered from 0 on. All send to rank 0, and rank 0 to all.
pub trait Ranks: Debug + Send + Sync {
    /// Number of this process.
    fn rank(&self) -> usize;
    /// How many there are, P.
    fn size(&self) -> usize;
    /// Sends a message; it need not have arrived when this returns. Waits without computing.
    fn send(&self, to: usize, message: &Message);
    /// A message that has arrived, and whose it is, in the order in which that rank sent them; None: not yet.
    fn receive(&self) -> Option<(usize, Message)>;
    /// Rank 0 asks ranks to stop what they do since the last message that was sent to them.
    fn stop(&self, ranks: Range<usize>);
    /// Whether this rank was asked to stop what it does since the last message that it received.
    fn stopped(&self) -> bool;

    /// Sends a message to all others.
    fn tell(&self, message: &Message) {
        (0..self.size()).filter(|&rank| rank != self.rank()).for_each(|rank| self.send(rank, message));
    }
    /// Waits for the next message, computing next to nothing.
    fn wait(&self) -> (usize, Message) {
        let mut patience = Patience::default();
        loop {
            match self.receive() {
                Some(found) => return found,
                None => patience.rest(),
            }
        }
    }
}

/// A run of one process.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }
    fn size(&self) -> usize {
        1
    }
    fn send(&self, _to: usize, _message: &Message) {}
    fn receive(&self) -> Option<(usize, Message)> {
        None
    }
    fn stop(&self, _ranks: Range<usize>) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Waits longer and longer between two looks: what comes soon is seen soon, and hours of waiting take no computing.
#[derive(Debug, Default)]
pub struct Patience(u32);

impl Patience {
    /// Waits: at first it only lets others compute, at last for 5 ms.
    pub fn rest(&mut self) {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            ..50 => std::thread::yield_now(),
            looks => std::thread::sleep(Duration::from_micros(u64::from(looks).min(5000))),
        }
    }
}

/// What a rank tells another: a number that says what it is about, texts and numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// What it is about.
    pub about: u64,
    /// Texts.
    pub texts: Vec<String>,
    /// Numbers.
    pub state: State,
}

impl Message {
    /// How work ended, and what came of it.
    pub fn part(outcome: &Result<(), Error>, state: State) -> Self {
        let texts = |list: &[&String]| list.iter().map(|text| text.to_string()).collect();
        let mut message = Self { about: 0, texts: Vec::new(), state };
        match outcome {
            Ok(()) => {}
            Err(Error::Invalid { what, help, .. }) => (message.about, message.texts) = (1, texts(&[what, help])),
            Err(Error::Numerical { method, place, what, help, .. }) => {
                (message.about, message.texts) = (2, texts(&[method, place, what, help]));
            }
            Err(Error::TooLarge { what, help, .. }) => (message.about, message.texts) = (4, texts(&[what, help])),
            Err(Error::Interrupted { time }) => (message.about, message.texts) = (3, vec![time.to_bits().to_string()]),
        }
        message
    }

    /// How the work ended that a [part](Self::part) tells of; what an advice would have the user set does not travel.
    pub fn outcome(&self) -> Result<(), Error> {
        let text = |k: usize| self.texts.get(k).cloned().unwrap_or_default();
        match self.about {
            0 => Ok(()),
            1 => Err(Error::invalid(text(0), text(1))),
            2 => Err(Error::numerical(text(0), text(1), text(2), text(3))),
            4 => Err(Error::too_large(text(0), text(1))),
            _ => Err(Error::Interrupted { time: f64::from_bits(text(0).parse().unwrap_or(0)) }),
        }
    }

    /// As bytes, the same on every machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.about);
        put(&mut out, self.texts.len() as u64);
        self.texts.iter().for_each(|text| put_text(&mut out, text));
        put_state(&mut out, &self.state);
        out
    }

    /// The message that became these bytes; None where they are those of no message.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let (about, texts) = (take(rest)?, take(rest)?);
        let texts = (0..texts).map(|_| take_text(rest)).collect::<Option<_>>()?;
        let state = take_state(rest)?;
        rest.is_empty().then_some(Self { about, texts, state })
    }
}

fn put(out: &mut Vec<u8>, word: u64) {
    out.extend(word.to_le_bytes());
}

fn put_all(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = u64>) {
    put(out, words.len() as u64);
    out.reserve(8 * words.len());
    words.for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend(text.as_bytes());
}

fn put_state(out: &mut Vec<u8>, state: &State) {
    put(out, state.arrays.len() as u64);
    for (name, numbers) in &state.arrays {
        put_text(out, name);
        match numbers {
            Numbers::Floats(values) => {
                put(out, 0);
                put_all(out, values.iter().map(|value| value.to_bits()));
            }
            Numbers::Words(words) => {
                put(out, 1);
                put_all(out, words.iter().copied());
            }
        }
    }
    put(out, state.parts.len() as u64);
    for (name, part) in &state.parts {
        put_text(out, name);
        put_state(out, part);
    }
}

fn take_bytes<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (first, others) = rest.split_at_checked(count)?;
    *rest = others;
    Some(first)
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take_bytes(rest, 8)?.try_into().ok()?))
}

fn take_words(rest: &mut &[u8]) -> Option<impl Iterator<Item = u64>> {
    let count = usize::try_from(take(rest)?).ok()?;
    let bytes = take_bytes(rest, count.checked_mul(8)?)?;
    Some(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>().into_iter())
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let count = usize::try_from(take(rest)?).ok()?;
    String::from_utf8(take_bytes(rest, count)?.to_vec()).ok()
}

fn take_state(rest: &mut &[u8]) -> Option<State> {
    let mut state = State::default();
    for _ in 0..take(rest)? {
        let name = take_text(rest)?;
        let numbers = match take(rest)? {
            0 => Numbers::Floats(take_words(rest)?.map(f64::from_bits).collect()),
            _ => Numbers::Words(take_words(rest)?.collect()),
        };
        state.arrays.push((name, numbers));
    }
    for _ in 0..take(rest)? {
        let name = take_text(rest)?;
        state.parts.push((name, take_state(rest)?));
    }
    Some(state)
}

/// Which of `count` things of equal work each of P ranks computes, where rank 0 has as much to do as `beside` of them are besides.
pub fn shares(ranks: usize, count: usize, beside: usize) -> Vec<Range<usize>> {
    let others = ranks - 1;
    let first = if others == 0 { count } else { ((count + beside) / ranks).saturating_sub(beside) };
    let start = |k: usize| first + (count - first) * k / others.max(1);
    std::iter::once(0..first).chain((0..others).map(|k| start(k)..start(k + 1))).collect()
}

/// The parts of all ranks come together: rank 0 is given the `state` of each other one by `take`, and all return how the whole ended.
/// `outcome` is how the own part ended.
///
/// Errors: the first failure in the order of the ranks; an interruption, which rank 0 tells the others.
pub fn meet(
    ranks: &dyn Ranks,
    outcome: Result<(), Error>,
    state: State,
    interrupt: Interrupt,
    take: &mut dyn FnMut(usize, &State) -> Result<(), Error>,
) -> Result<(), Error> {
    if ranks.size() == 1 {
        return outcome;
    }
    if ranks.rank() > 0 {
        ranks.send(0, &Message::part(&outcome, state));
        return ranks.wait().1.outcome();
    }
    let others = 1..ranks.size();
    let interrupted = |outcome: &Result<(), Error>| matches!(outcome, Err(Error::Interrupted { .. }));
    let (mut asked, mut outcomes) = (interrupted(&outcome), vec![Ok(()); ranks.size()]);
    if outcome.is_err() {
        ranks.stop(others.clone());
    }
    outcomes[0] = outcome;
    let (mut waiting, mut patience) = (others.len(), Patience::default());
    while waiting > 0 {
        if let Some((rank, message)) = ranks.receive() {
            (waiting, patience) = (waiting - 1, Patience::default());
            let taken = take(rank, &message.state); // also where it was interrupted: the next call goes on there
            outcomes[rank] = message.outcome().and(taken);
            if outcomes[rank].is_err() && !interrupted(&outcomes[rank]) {
                ranks.stop(rank + 1..ranks.size()); // those before it may fail earlier
            }
        } else {
            if !asked && interrupt() {
                asked = true;
                ranks.stop(others.clone());
            }
            patience.rest();
        }
    }
    let failed = outcomes.iter().find(|outcome| outcome.is_err() && (asked == interrupted(outcome)));
    let whole = failed.or(outcomes.iter().find(|outcome| outcome.is_err())).cloned().unwrap_or(Ok(()));
    ranks.tell(&Message::part(&whole, State::default()));
    whole
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let inner = State { arrays: vec![("n".into(), Numbers::Words(vec![u64::MAX, 0]))], parts: Vec::new() };
        let floats = Numbers::Floats(vec![-0.0, 5e-324, f64::INFINITY]);
        let state = State { arrays: vec![("x".into(), floats)], parts: vec![("inner".into(), inner)] };
        let message = Message { about: 7, texts: vec!["η".into(), String::new()], state };
        let bytes = message.to_bytes();
        assert_eq!(Message::from_bytes(&bytes), Some(message));
        assert!((0..bytes.len()).all(|n| Message::from_bytes(&bytes[..n]).is_none()));
        for error in [
            Error::invalid("what", "help"),
            Error::numerical("sgd", "at walker 3", "lost", "shorter"),
            Error::Interrupted { time: 0.1 },
        ] {
            assert_eq!(Message::part(&Err(error.clone()), State::default()).outcome(), Err(error));
        }
    }

    /// What has arrived at a rank, and from whom.
    type Inbox = Mutex<VecDeque<(usize, Message)>>;

    /// Ranks of one process, each a thread.
    #[derive(Debug)]
    struct Threads {
        rank: usize,
        boxes: Arc<Vec<Inbox>>,
        stopped: Arc<Vec<Mutex<bool>>>,
    }

    impl Ranks for Threads {
        fn rank(&self) -> usize {
            self.rank
        }
        fn size(&self) -> usize {
            self.boxes.len()
        }
        fn send(&self, to: usize, message: &Message) {
            self.boxes[to].lock().unwrap().push_back((self.rank, message.clone()));
        }
        fn receive(&self) -> Option<(usize, Message)> {
            self.boxes[self.rank].lock().unwrap().pop_front()
        }
        fn stop(&self, ranks: Range<usize>) {
            ranks.for_each(|rank| *self.stopped[rank].lock().unwrap() = true);
        }
        fn stopped(&self) -> bool {
            *self.stopped[self.rank].lock().unwrap()
        }
    }

    fn ranks(size: usize) -> Vec<Threads> {
        let boxes = Arc::new((0..size).map(|_| Mutex::default()).collect());
        let stopped = Arc::new((0..size).map(|_| Mutex::default()).collect());
        (0..size).map(|rank| Threads { rank, boxes: Arc::clone(&boxes), stopped: Arc::clone(&stopped) }).collect()
    }

    #[test]
    fn every_thing_is_computed_once_and_the_work_is_shared_evenly() {
        for (ranks, count, beside) in [(1, 7, 3), (2, 1, 3), (3, 100, 24), (4, 2, 0), (7, 1000, 24), (50, 30, 3)] {
            let shares = shares(ranks, count, beside);
            assert_eq!(shares.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            let most = (count + beside).div_ceil(ranks) + 1;
            assert!(ranks == 1 || shares.iter().all(|share| share.len() <= most), "{shares:?}");
            assert_eq!(shares.len(), ranks);
        }
    }

    /// What all ranks return, each of which ends with its outcome, and what rank 0 was given.
    fn meeting(outcomes: Vec<Result<(), Error>>, interrupted: bool) -> (Vec<Result<(), Error>>, Vec<usize>) {
        let given = Mutex::new(Vec::new());
        let one = |rank: &Threads, outcome: Result<(), Error>| {
            let mut take = |from: usize, _: &State| {
                given.lock().unwrap().push(from);
                Ok(())
            };
            // a rank that would go on for ever, were it not asked to stop
            let interrupt = || interrupted;
            while rank.rank > 0 && matches!(outcome, Err(Error::Interrupted { .. })) && !rank.stopped() {
                std::thread::yield_now();
            }
            meet(rank, outcome, State::default(), &interrupt, &mut take)
        };
        let all = ranks(outcomes.len());
        let returned = std::thread::scope(|scope| {
            let threads: Vec<_> = all.iter().zip(outcomes).map(|(rank, o)| scope.spawn(move || one(rank, o))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut given = given.into_inner().unwrap();
        given.sort_unstable();
        (returned, given)
    }

    #[test]
    fn all_ranks_hear_the_same_end_and_the_first_failure_in_their_order_is_it() {
        let lost = |walker: &str| Err(Error::numerical("sgd", walker, "lost", ""));
        let stopped = || Err(Error::Interrupted { time: 2.0 });
        let cases = [
            (vec![Ok(()), Ok(()), Ok(())], false, Ok(())),
            (vec![Ok(()), lost("5"), lost("9")], false, lost("5")),
            (vec![lost("1"), stopped(), lost("9")], false, lost("1")),
            (vec![Ok(()), lost("5"), stopped()], false, lost("5")),
            (vec![Ok(()), stopped(), stopped()], true, stopped()),
            (vec![stopped(), lost("5"), Ok(())], true, stopped()),
            (vec![lost("4")], false, lost("4")),
        ];
        for (outcomes, interrupted, expected) in cases {
            let all = outcomes.len();
            let (returned, given) = meeting(outcomes, interrupted);
            assert!(returned.iter().all(|outcome| *outcome == expected), "{returned:?}");
            assert_eq!(given, (1..all).collect::<Vec<_>>());
        }
    }
}
