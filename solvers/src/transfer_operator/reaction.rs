//! Transitions of the chain of descent from one set to another at rest (see [`crate::escape::reaction`]), on a line.

use super::level::Level;
use super::matrix::TransitionMatrix;
use super::solve::Killed;
use crate::Error;
use crate::engine::Interrupt;
use crate::escape::passage::Target;
use crate::escape::reaction::Reaction;

/// Transitions between two sets per unit time, counted at steps of length `step`, of the chain with the invariant law `law`.
///
/// Errors: those of the solves.
pub(super) fn reaction(
    level: &Level,
    law: &[f64],
    [from, to]: [&Target; 2],
    step: f64,
    interrupt: Interrupt,
) -> Result<Reaction, Error> {
    let (a, b, matrix) = (level.shares(from), level.shares(to), &level.operator().matrix);
    let both: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a + b).min(1.0)).collect();
    let forward = Killed::new(matrix, &both, interrupt)?.committor(&b)?;
    let reversed = time_reversed(matrix, law);
    let backward = Killed::new(&reversed, &both, interrupt)?.committor(&a)?;
    let n = law.len();
    // on the way or in the set that is left, a step leads into the other
    let coming = |i: usize| a[i] + (1.0 - both[i]) * backward[i];
    let going = |i: usize| b[i] + (1.0 - both[i]) * forward[i];
    let (mut into, mut out_of) = (vec![0.0; n], vec![0.0; n]);
    matrix.backward(&b, &mut into);
    reversed.backward(&a, &mut out_of);
    let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(|i| law[i] * f(i)).sum::<f64>();
    let flux = sum(&|i| coming(i) * into[i]);
    let other = sum(&|i| going(i) * out_of[i]);
    let on_the_way = sum(&|i| (1.0 - both[i]) * backward[i] * forward[i]);
    Ok(Reaction {
        probability: (0..n).map(|i| law[i] * (1.0 - both[i]) * backward[i] * forward[i] / on_the_way).collect(),
        current: Vec::new(),
        flux: flux / step,
        flux_error: None,
        residual: (other / flux - 1.0).abs(),
        from_share: sum(&coming),
        duration: on_the_way / flux * step,
        forward: (0..n).map(going).collect(),
        backward: (0..n).map(coming).collect(),
    })
}

/// π_j P_ji/π_i; rows of P where π_i = 0, which no transition at rest takes.
fn time_reversed(matrix: &TransitionMatrix, law: &[f64]) -> TransitionMatrix {
    let n = matrix.states();
    let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); n];
    for j in 0..n {
        let (columns, values) = matrix.row(j);
        for (&i, value) in columns.iter().zip(values) {
            let flow = law[j] / law[i as usize] * value;
            if flow > 0.0 && flow.is_finite() {
                rows[i as usize].push((j as u32, flow));
            }
        }
    }
    let mut out = TransitionMatrix::with_capacity(n, matrix.entries());
    for (i, row) in rows.into_iter().enumerate() {
        if row.is_empty() {
            let (columns, values) = matrix.row(i);
            out.push(columns.iter().copied().zip(values.iter().copied()));
        } else {
            out.push(row.into_iter());
        }
    }
    out
}
