//! Which cells communicate: closed classes of the jump process, and whether it is reversible.

use std::collections::VecDeque;

use crate::fokker_planck::generator::Generator;

/// Closed communicating classes: sets of cells that reach each other and that no rate leaves. Cells ascending.
///
/// A generator without exits has at least one; its stationary density is unique exactly when there is one.
/// Strongly connected components by R. Tarjan, doi:10.1137/0201010, without recursion.
pub fn closed_classes(generator: &Generator) -> Vec<Vec<u32>> {
    let (component, count) = components(generator);
    let mut closed = vec![true; count];
    for i in 0..generator.cells() {
        let (cells, rates) = generator.outgoing(i);
        let stays = cells.iter().zip(rates).all(|(&j, &rate)| rate == 0.0 || component[j as usize] == component[i]);
        closed[component[i] as usize] &= stays && generator.exit()[i] == 0.0;
    }
    let mut classes = vec![Vec::new(); count];
    for (cell, &c) in component.iter().enumerate() {
        if closed[c as usize] {
            classes[c as usize].push(cell as u32);
        }
    }
    classes.retain(|class| !class.is_empty());
    classes
}

const UNSEEN: u32 = u32::MAX;

fn components(generator: &Generator) -> (Vec<u32>, usize) {
    let n = generator.cells();
    let (mut index, mut low) = (vec![UNSEEN; n], vec![0u32; n]);
    let mut component = vec![UNSEEN; n];
    let (mut open, mut path) = (Vec::new(), Vec::new());
    let (mut next_index, mut count) = (0u32, 0u32);
    for root in 0..n {
        if index[root] != UNSEEN {
            continue;
        }
        path.push((root, 0usize));
        while let Some((cell, edge)) = path.pop() {
            if edge == 0 {
                (index[cell], low[cell]) = (next_index, next_index);
                next_index += 1;
                open.push(cell);
            }
            let (targets, rates) = generator.outgoing(cell);
            match targets.get(edge) {
                Some(&target) => {
                    let target = target as usize;
                    path.push((cell, edge + 1));
                    if rates[edge] == 0.0 {
                        continue;
                    }
                    if index[target] == UNSEEN {
                        path.push((target, 0));
                    } else if component[target] == UNSEEN {
                        low[cell] = low[cell].min(index[target]);
                    }
                }
                None => {
                    if low[cell] == index[cell] {
                        while let Some(member) = open.pop() {
                            component[member] = count;
                            if member == cell {
                                break;
                            }
                        }
                        count += 1;
                    }
                    if let Some(&(parent, _)) = path.last() {
                        low[parent] = low[parent].min(low[cell]);
                    }
                }
            }
        }
    }
    (component, count as usize)
}

/// ln π, shifted to maximum 0, if detailed balance π_i K(i→j) = π_j K(j→i) holds on every edge to rounding and all cells are
/// connected; None otherwise.
///
/// The ratios are added up in logs along a breadth-first spanning tree and compared on every other edge, so the range of π
/// is not limited and each value is relatively right: O(rates).
pub fn reversible_log_density(generator: &Generator) -> Option<Vec<f64>> {
    let n = generator.cells();
    let mut log = vec![f64::NAN; n];
    let mut queue = VecDeque::from([n / 2]);
    log[n / 2] = 0.0;
    while let Some(i) = queue.pop_front() {
        // the rates out and in stand in the same order
        let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
        for (k, &j) in cells.iter().enumerate() {
            let j = j as usize;
            if log[j].is_nan() && out[k] > 0.0 {
                let ratio = (out[k] / back[k]).ln();
                if !ratio.is_finite() {
                    return None; // a one-way edge, or one whose way back underflows
                }
                log[j] = log[i] + ratio;
                queue.push_back(j);
            }
        }
    }
    if log.iter().any(|l| !l.is_finite()) {
        return None;
    }
    let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bottom = log.iter().copied().fold(f64::INFINITY, f64::min);
    let rounding = 1e-11 * (10.0 + top - bottom);
    for i in 0..n {
        let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
        let later = cells.partition_point(|&j| (j as usize) < i); // each edge once
        for k in later..cells.len() {
            if out[k] > 0.0 || back[k] > 0.0 {
                let wrong = (log[i] - log[cells[k] as usize] + (out[k] / back[k]).ln()).abs();
                if wrong.is_nan() || wrong > rounding {
                    return None;
                }
            }
        }
    }
    log.iter_mut().for_each(|l| *l -= top);
    Some(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fokker_planck::generator::GeneratorBuilder;
    use crate::fokker_planck::testing::fixtures::{chain, plane, quartic, ring};

    #[test]
    fn closed_classes_are_found_and_transient_cells_left_out() {
        let mut builder = GeneratorBuilder::new(9);
        for (i, j, f, b) in [(0, 1, 1.0, 2.0), (1, 2, 1.0, 0.0), (2, 3, 1.0, 1.0), (5, 6, 1.0, 3.0), (4, 5, 1.0, 0.0)] {
            builder.add_edge(i, j, f, b);
        }
        builder.add_exit(8, 1.0);
        assert_eq!(closed_classes(&builder.finish()), vec![vec![2, 3], vec![5, 6], vec![7]]);
        assert_eq!(closed_classes(&plane(10, 10, 0.1, 1.0)).len(), 1);
    }

    #[test]
    fn detailed_balance_is_told_from_a_small_current() {
        let log = reversible_log_density(&chain(60, -2.5, 2.5, 0.01, quartic));
        let centre = |i: usize| -2.5 + (i as f64 + 0.5) * 5.0 / 60.0;
        let log = log.expect("a chain is reversible");
        for i in 1..60 {
            let exact = (quartic(centre(0)) - quartic(centre(i))) / 0.01;
            assert!((log[i] - log[0] - exact).abs() < 1e-10 * (1.0 + exact.abs()));
        }
        assert!(reversible_log_density(&plane(20, 20, 0.1, 0.0)).is_some());
        assert!(reversible_log_density(&plane(20, 20, 0.1, 1e-6)).is_none());
        assert!(reversible_log_density(&ring(30, 0.0, 0.2)).is_some());
        assert!(reversible_log_density(&ring(30, 1e-6, 0.2)).is_none());
        assert!(reversible_log_density(&GeneratorBuilder::new(4).finish()).is_none());
        // infinite ratios of both signs one after the other: their sum is no number, which once was waited for
        let mut builder = GeneratorBuilder::new(4);
        for (i, j, f, b) in [(2, 1, 1.0, 0.0), (1, 0, 1e-300, 1e300), (2, 3, 1.0, 1.0)] {
            builder.add_edge(i, j, f, b);
        }
        assert!(reversible_log_density(&builder.finish()).is_none());
    }
}
