//! Formulas as trees with shared parts, simplified while they are built.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::operation::{Binary, Unary};
use super::scalar;

#[derive(Debug)]
pub(super) enum Node {
    Constant(f64),
    /// Variable or data column, see [`super::Symbols`].
    Input(usize),
    Unary(Unary, Expression),
    Binary(Binary, Expression, Expression),
    /// The second where the first is not 0 (and not NaN), else the third.
    Where(Expression, Expression, Expression),
}

/// A formula of numbered inputs. Cheap to clone; equal parts of one formula are shared.
///
/// Products with 0 are simplified to 0 also where the other factor could be infinite, division by a constant to
/// multiplication, and constants are multiplied together: results may differ from the written order of operations by rounding.
#[derive(Debug, Clone)]
pub struct Expression(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Node,
    /// Names the structure: 128 bits, so that equal keys mean equal formulas.
    key: Key,
}

pub(super) type Key = [u64; 2];

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Expression {
    pub(super) fn node(&self) -> &Node {
        &self.0.node
    }

    pub(super) fn key(&self) -> Key {
        self.0.key
    }

    pub(super) fn build(node: Node) -> Self {
        let key = [0_u8, 1].map(|salt| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            match &node {
                Node::Constant(c) => (0_u8, c.to_bits()).hash(&mut hasher),
                Node::Input(i) => (1_u8, i).hash(&mut hasher),
                Node::Unary(f, a) => (2_u8, f, a.key()).hash(&mut hasher),
                Node::Binary(f, a, b) if f.commutes() => {
                    (3_u8, f, a.key().min(b.key()), a.key().max(b.key())).hash(&mut hasher);
                }
                Node::Binary(f, a, b) => (3_u8, f, a.key(), b.key()).hash(&mut hasher),
                Node::Where(c, a, b) => (4_u8, c.key(), a.key(), b.key()).hash(&mut hasher),
            }
            hasher.finish()
        });
        Self(Arc::new(Inner { node, key }))
    }

    /// A number.
    pub fn constant(value: f64) -> Self {
        Self::build(Node::Constant(value))
    }

    /// Input number `index`: the variables come first, then the data columns.
    pub fn input(index: usize) -> Self {
        Self::build(Node::Input(index))
    }

    /// The value, if the formula is a number.
    pub fn as_constant(&self) -> Option<f64> {
        match self.node() {
            Node::Constant(c) => Some(*c),
            _ => None,
        }
    }

    /// −a.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self::unary(Unary::Neg, self.clone())
    }

    /// a + b.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self::binary(Binary::Add, self.clone(), other.clone())
    }

    /// a · b.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self::binary(Binary::Mul, self.clone(), other.clone())
    }

    /// Value at one point; `inputs` holds the variables, then the data columns. (For many points compile a
    /// [`super::Program`].)
    pub fn evaluate(&self, inputs: &[f64]) -> f64 {
        self.evaluate_shared(inputs, &mut HashMap::new())
    }

    fn evaluate_shared(&self, inputs: &[f64], known: &mut HashMap<Key, f64>) -> f64 {
        if let Some(value) = known.get(&self.key()) {
            return *value;
        }
        let mut value_of = |e: &Self| e.evaluate_shared(inputs, known);
        let value = match self.node() {
            Node::Constant(c) => *c,
            Node::Input(i) => inputs[*i],
            Node::Unary(f, a) => scalar::unary(*f, value_of(a)),
            Node::Binary(f, a, b) => scalar::binary(*f, value_of(a), value_of(b)),
            Node::Where(c, a, b) => scalar::select(value_of(c), value_of(a), value_of(b)),
        };
        known.insert(self.key(), value);
        value
    }

    /// Whether any of the inputs for which `which` holds occurs.
    pub fn depends_on(&self, which: impl Fn(usize) -> bool) -> bool {
        fn walk(e: &Expression, which: &dyn Fn(usize) -> bool, seen: &mut HashMap<Key, ()>) -> bool {
            if seen.insert(e.key(), ()).is_some() {
                return false;
            }
            match e.node() {
                Node::Constant(_) => false,
                Node::Input(i) => which(*i),
                Node::Unary(_, a) => walk(a, which, seen),
                Node::Binary(_, a, b) => walk(a, which, seen) || walk(b, which, seen),
                Node::Where(c, a, b) => walk(c, which, seen) || walk(a, which, seen) || walk(b, which, seen),
            }
        }
        walk(self, &which, &mut HashMap::new())
    }
}
