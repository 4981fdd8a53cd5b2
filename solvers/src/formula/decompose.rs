//! Decomposing formulas of variables and data: what depends on the data alone is worked out once per sample, what depends
//! on the variables alone once per point, and only the rest for every pair.

use std::collections::HashMap;

use super::expression::{Expression, Key, Node};
use super::operation::Binary;

/// Decomposed formulas. Inputs of `body`: the `variables` inputs, then one per `data` part, then one per `point` part.
pub(crate) struct Parts {
    pub(crate) body: Vec<Expression>,
    /// Formulas of the data columns alone (with their numbers in the original formula), all columns in use among them.
    pub(crate) data: Vec<Expression>,
    /// Formulas of the variables alone, more than a variable itself.
    pub(crate) point: Vec<Expression>,
}

/// Decomposes formulas whose inputs are `variables` variables, then data columns.
pub(crate) fn decompose(formulas: &[Expression], variables: usize) -> Parts {
    let mut splitter = Splitter { variables, classes: HashMap::new() };
    let mut known = HashMap::new();
    let grouped: Vec<Expression> = formulas.iter().map(|e| splitter.regroup(e, &mut known)).collect();
    let (body, data) = splitter.replace(&grouped, Class::Data, variables);
    splitter.classes.clear(); // the inputs have new meanings now
    splitter.variables = variables;
    let (body, point) = splitter.replace(&body, Class::Point, variables + data.len());
    Parts { body, data, point }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Data,
    Point,
    Mixed,
}

struct Splitter {
    variables: usize,
    classes: HashMap<Key, Class>,
}

fn children(e: &Expression) -> Vec<&Expression> {
    match e.node() {
        Node::Constant(_) | Node::Input(_) => vec![],
        Node::Unary(_, a) => vec![a],
        Node::Binary(_, a, b) => vec![a, b],
        Node::Where(c, a, b) => vec![c, a, b],
    }
}

/// The same operation on other operands, without simplification (which would pull constants out again).
fn rebuilt(e: &Expression, parts: &[Expression]) -> Expression {
    match (e.node(), parts) {
        (Node::Unary(f, _), [a]) => Expression::build(Node::Unary(*f, a.clone())),
        (Node::Binary(f, ..), [a, b]) => Expression::build(Node::Binary(*f, a.clone(), b.clone())),
        (Node::Where(..), [c, a, b]) => Expression::build(Node::Where(c.clone(), a.clone(), b.clone())),
        _ => e.clone(),
    }
}

impl Splitter {
    fn class(&mut self, e: &Expression) -> Class {
        if let Some(class) = self.classes.get(&e.key()) {
            return *class;
        }
        let class = match e.node() {
            Node::Constant(_) => Class::Number,
            Node::Input(i) if *i < self.variables => Class::Point,
            Node::Input(_) => Class::Data,
            _ => children(e).into_iter().fold(Class::Number, |all, part| match (all, self.class(part)) {
                (Class::Number, one) | (one, Class::Number) => one,
                (a, b) if a == b => a,
                _ => Class::Mixed,
            }),
        };
        self.classes.insert(e.key(), class);
        class
    }

    /// Products reordered: the factors of each class together, numbers with the data where there are any.
    fn regroup(&mut self, e: &Expression, known: &mut HashMap<Key, Expression>) -> Expression {
        if let Some(done) = known.get(&e.key()) {
            return done.clone();
        }
        let result = if matches!(e.node(), Node::Binary(Binary::Mul, ..)) {
            let mut groups: [Vec<Expression>; 4] = Default::default();
            let mut pending = vec![e];
            while let Some(factor) = pending.pop() {
                if let Node::Binary(Binary::Mul, a, b) = factor.node() {
                    pending.extend([b, a]);
                } else {
                    let class = self.class(factor);
                    groups[class as usize].push(self.regroup(factor, known));
                }
            }
            product_of(groups)
        } else {
            let parts: Vec<Expression> = children(e).into_iter().map(|part| self.regroup(part, known)).collect();
            rebuilt(e, &parts)
        };
        known.insert(e.key(), result.clone());
        result
    }

    /// Replaces the largest parts of one class by new inputs from `first` on (leaves only for data).
    fn replace(&mut self, formulas: &[Expression], class: Class, first: usize) -> (Vec<Expression>, Vec<Expression>) {
        let (mut parts, mut known) = (Vec::new(), HashMap::new());
        let body = formulas.iter().map(|e| self.replaced(e, class, first, &mut parts, &mut known)).collect();
        (body, parts)
    }

    fn replaced(
        &mut self,
        e: &Expression,
        class: Class,
        first: usize,
        parts: &mut Vec<Expression>,
        known: &mut HashMap<Key, Expression>,
    ) -> Expression {
        if let Some(done) = known.get(&e.key()) {
            return done.clone();
        }
        let leaf = matches!(e.node(), Node::Constant(_) | Node::Input(_));
        let result = if self.class(e) == class && (class == Class::Data || !leaf) {
            parts.push(e.clone());
            Expression::input(first + parts.len() - 1)
        } else {
            let operands = children(e).into_iter().map(|part| self.replaced(part, class, first, parts, known));
            let operands: Vec<Expression> = operands.collect();
            rebuilt(e, &operands)
        };
        known.insert(e.key(), result.clone());
        result
    }
}

/// Mixed factors first and in a fixed order, so that formulas with the same ones share their product.
fn product_of([numbers, mut data, point, mut mixed]: [Vec<Expression>; 4]) -> Expression {
    let times = |a: Expression, b: Expression| Expression::build(Node::Binary(Binary::Mul, a, b));
    let number: f64 = numbers.iter().filter_map(Expression::as_constant).product();
    let mut number = (number != 1.0).then(|| Expression::constant(number));
    if !data.is_empty() {
        data.extend(number.take());
    }
    mixed.sort_by_key(Expression::key);
    let groups = [mixed, point, data].into_iter().filter_map(|group| group.into_iter().reduce(times));
    groups.chain(number).reduce(times).unwrap_or_else(|| Expression::constant(1.0))
}
