//! Limited contraction: variance taken out of weights on a lattice, positively.
//!
//! A move (−e, +2e, −e) between neighbours keeps mass and mean and removes 2e of variance; with e ≤ ½ min of its neighbours every weight
//! stays ≥ 0.

/// Arrays of [`contract`] that are used again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moves {
    caps: Vec<f64>,
    moves: Vec<f64>,
}

/// Moves (−e, +2e, −e) between neighbours `stride` apart until Σ e_j c_j = need, c_j = `cost(j)`; returns what is left. The window has an
/// empty line around along every axis, so that neighbours beyond it in memory are 0.
pub(crate) fn contract(
    weights: &mut [f64],
    stride: usize,
    cost: impl Fn(usize) -> f64,
    need: f64,
    scratch: &mut Moves,
) -> f64 {
    if need <= 0.0 {
        return need;
    }
    let (n, w) = (weights.len(), &*weights);
    let Moves { caps, moves } = scratch;
    caps.clear();
    caps.resize(n, 0.0);
    let (mut all, mut reach) = (0.0, 0.0);
    for j in stride..n - stride {
        let cap = 0.5 * w[j - stride].min(w[j + stride]);
        caps[j] = cap;
        if cap > 0.0 {
            all += cap * cost(j);
            reach += if w[j] > 0.0 { cap * cost(j) } else { 0.0 };
        }
    }
    moves.clear();
    if all <= need {
        moves.extend_from_slice(caps);
    } else {
        if reach < 1.0001 * need {
            // the gaps between atoms are needed too: there w = 0 but the cap is not
            let mean = |j: usize| {
                let inside = j >= stride && j + stride < n;
                if inside { 0.25 * (w[j - stride] + 2.0 * w[j] + w[j + stride]) } else { 0.0 }
            };
            moves.extend((0..n).map(mean));
        } else {
            moves.extend_from_slice(w);
        }
        let s = solve(moves, caps, &cost, need);
        moves.iter_mut().zip(&*caps).for_each(|(u, cap)| *u = (s * *u).min(*cap));
        let removed: f64 = moves.iter().enumerate().map(|(j, e)| if *e > 0.0 { e * cost(j) } else { 0.0 }).sum();
        let scale = need / removed;
        moves.iter_mut().for_each(|e| *e *= scale);
    }
    for j in stride..n - stride {
        let e = moves[j];
        if e > 0.0 {
            weights[j - stride] -= e;
            weights[j] += 2.0 * e;
            weights[j + stride] -= e;
        }
    }
    weights.iter_mut().for_each(|w| *w = w.max(0.0));
    if all <= need { need - all } else { 0.0 }
}

/// The s with Σ min(s u_j, cap_j) c_j = need: the sum is concave and piecewise linear in s, so Newton's iteration climbs to the
/// root from below and ends there.
pub(crate) fn solve(u: &[f64], caps: &[f64], cost: impl Fn(usize) -> f64, need: f64) -> f64 {
    let mut s = 0.0;
    for _ in 0..100 {
        let (mut value, mut slope) = (0.0, 0.0);
        for (j, (u, cap)) in u.iter().zip(caps).enumerate() {
            if *cap > 0.0 {
                if s * u < *cap {
                    value += s * u * cost(j);
                    slope += u * cost(j);
                } else {
                    value += cap * cost(j);
                }
            }
        }
        if value >= need * (1.0 - 1e-15) || slope == 0.0 {
            break;
        }
        let next = s + (need - value) / slope;
        if next <= s {
            break;
        }
        s = next;
    }
    s
}
