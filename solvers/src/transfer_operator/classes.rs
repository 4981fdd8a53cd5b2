//! Communicating classes of a chain: which sets of nodes are never left, and what leads where.

use super::matrix::TransitionMatrix;

/// The closed communicating classes (recurrent states), each in increasing order, ordered by their first state.
///
/// Tarjan's algorithm without recursion: strongly connected components of the graph of positive entries; closed are those that no
/// entry leaves.
pub fn closed_classes(matrix: &TransitionMatrix) -> Vec<Vec<usize>> {
    let (component, count) = components(matrix);
    let mut closed = vec![true; count];
    for i in 0..matrix.states() {
        if matrix.row(i).0.iter().any(|&c| component[c as usize] != component[i]) {
            closed[component[i]] = false;
        }
    }
    let mut classes = vec![Vec::new(); count];
    for i in 0..matrix.states() {
        if closed[component[i]] {
            classes[component[i]].push(i);
        }
    }
    classes.retain(|class| !class.is_empty());
    classes.sort_by_key(|class| class[0]);
    classes
}

/// Number of the strongly connected component of each state, and how many there are.
fn components(matrix: &TransitionMatrix) -> (Vec<usize>, usize) {
    const NEW: usize = usize::MAX;
    let n = matrix.states();
    let (mut index, mut low, mut component) = (vec![NEW; n], vec![0; n], vec![NEW; n]);
    let (mut next, mut count) = (0, 0);
    let (mut stack, mut path) = (Vec::new(), Vec::new());
    for root in 0..n {
        if index[root] != NEW {
            continue;
        }
        path.push((root, 0));
        while let Some(&mut (v, ref mut edge)) = path.last_mut() {
            if *edge == 0 && index[v] == NEW {
                (index[v], low[v]) = (next, next);
                next += 1;
                stack.push(v);
            }
            let columns = matrix.row(v).0;
            let mut descend = None;
            while *edge < columns.len() {
                let w = columns[*edge] as usize;
                *edge += 1;
                if index[w] == NEW {
                    descend = Some(w);
                    break;
                }
                if component[w] == NEW {
                    low[v] = low[v].min(index[w]);
                }
            }
            if let Some(w) = descend {
                path.push((w, 0));
                continue;
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                low[parent] = low[parent].min(low[v]);
            }
            if low[v] == index[v] {
                while let Some(w) = stack.pop() {
                    component[w] = count;
                    if w == v {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    (component, count)
}

/// The states from which one of `targets` can be reached through states that are not `barred`.
pub fn reaching(matrix: &TransitionMatrix, targets: &[bool], barred: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let n = matrix.states();
    // sources of every state, as one array
    let mut starts = vec![0usize; n + 1];
    for i in 0..n {
        for &c in matrix.row(i).0 {
            starts[c as usize + 1] += 1;
        }
    }
    for i in 0..n {
        starts[i + 1] += starts[i];
    }
    let (mut place, mut sources) = (starts.clone(), vec![0u32; matrix.entries()]);
    for i in 0..n {
        for &c in matrix.row(i).0 {
            sources[place[c as usize]] = i as u32;
            place[c as usize] += 1;
        }
    }
    let mut reached = targets.to_vec();
    let mut open: Vec<usize> = (0..n).filter(|&i| targets[i]).collect();
    while let Some(i) = open.pop() {
        for &s in &sources[starts[i]..starts[i + 1]] {
            let s = s as usize;
            if !reached[s] && !barred(s) {
                reached[s] = true;
                open.push(s);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[u32]]) -> TransitionMatrix {
        let mut matrix = TransitionMatrix::with_capacity(rows.len(), 0);
        rows.iter().for_each(|row| matrix.push(row.iter().map(|c| (*c, 1.0))));
        matrix
    }

    #[test]
    fn classes_that_are_never_left_are_found() {
        let chain = matrix(&[&[0, 1], &[0], &[1, 3], &[2, 4], &[5], &[4, 5], &[6]]);
        assert_eq!(closed_classes(&chain), [vec![0, 1], vec![4, 5], vec![6]]);
        let target: Vec<bool> = (0..7).map(|i| i == 4).collect();
        assert_eq!(reaching(&chain, &target, &|_| false), [false, false, true, true, true, true, false]);
        assert_eq!(reaching(&chain, &target, &|i| i == 3), [false, false, false, false, true, true, false]);
    }
}
