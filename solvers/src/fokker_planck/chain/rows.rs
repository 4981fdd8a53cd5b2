//! The row of a cell: its independent integer laws along the offsets, convolved and merged.

use crate::grid::Grid;

/// Probabilities below this are gathered at the centre of the law: they change a variance by less than 10⁻⁹.
const NEGLIGIBLE: f64 = 1e-12;

/// One direction of a law: offset, smallest multiple, probabilities.
pub type Arm = ([i8; 3], i32, Vec<f64>);

/// Targets and probabilities of Σ k_e e around `center`, reflected at the walls and wrapped round periodic axes; they sum to 1.
pub fn row(grid: &Grid, center: [i32; 3], arms: &[Arm]) -> Vec<(u32, f64)> {
    let mut low = [0i32; 3];
    let mut high = [0i32; 3];
    for (offset, first, p) in arms {
        for k in 0..3 {
            let e = i32::from(offset[k]);
            let ends = [e * first, e * (first + p.len() as i32 - 1)];
            low[k] += ends[0].min(ends[1]);
            high[k] += ends[0].max(ends[1]);
        }
    }
    let size: [usize; 3] = std::array::from_fn(|k| (high[k] - low[k] + 1) as usize);
    let place = |v: [i32; 3]| {
        ((v[0] - low[0]) as usize * size[1] + (v[1] - low[1]) as usize) * size[2] + (v[2] - low[2]) as usize
    };
    let mut window = vec![0.0; size[0] * size[1] * size[2]];
    let mut support = vec![[0i32; 3]];
    window[place([0; 3])] = 1.0;
    for (offset, first, p) in arms {
        let weights: Vec<f64> = support.iter().map(|&v| std::mem::take(&mut window[place(v)])).collect();
        let mut next = Vec::with_capacity(support.len() * 2);
        for (&v, &weight) in support.iter().zip(&weights) {
            for (k, &p) in (*first..).zip(p) {
                if weight * p > 0.01 * NEGLIGIBLE {
                    let to: [i32; 3] = std::array::from_fn(|j| v[j] + k * i32::from(offset[j]));
                    let at = &mut window[place(to)];
                    if *at == 0.0 {
                        next.push(to);
                    }
                    *at += weight * p;
                }
            }
        }
        support = next;
    }
    let mut out = Vec::with_capacity(support.len());
    let mut kept = 0.0;
    for v in support {
        let weight = window[place(v)];
        if weight > NEGLIGIBLE {
            kept += weight;
            out.push((target(grid, std::array::from_fn(|k| center[k] + v[k])), weight));
        }
    }
    out.push((target(grid, center), (1.0 - kept).max(0.0)));
    merged(out)
}

fn merged(mut entries: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    entries.sort_unstable_by_key(|entry| entry.0);
    let mut out: Vec<(u32, f64)> = Vec::with_capacity(entries.len());
    for (cell, weight) in entries {
        match out.last_mut() {
            Some(last) if last.0 == cell => last.1 += weight,
            _ => out.push((cell, weight)),
        }
    }
    out
}

/// The cell with the given index after reflection at −½ and n − ½ or wrapping.
fn target(grid: &Grid, index: [i32; 3]) -> u32 {
    let mut cell = 0;
    for (k, axis) in grid.axes().iter().enumerate() {
        let (n, mut i) = (axis.cells() as i32, index[k]);
        if i < 0 || i >= n {
            i = if axis.is_periodic() { i.rem_euclid(n) } else { folded(i, n) };
        }
        cell = cell * n as u32 + i as u32;
    }
    cell
}

fn folded(i: i32, n: i32) -> i32 {
    let j = i.rem_euclid(2 * n);
    if j < n { j } else { 2 * n - 1 - j }
}
