//! The parser: recursive descent, bounded in length, depth and nodes.
//!
//! ```text
//! comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
//! sum        = product {("+" | "-") product}
//! product    = unary {("*" | "/") unary}
//! unary      = {"+" | "-"} power
//! power      = atom ["^" unary]            right to left; −x^2 is −(x^2), 2^−x is 2^(−x)
//! atom       = number | name | name "(" comparison {"," comparison} ")" | "(" comparison ")"
//! ```

use std::ops::Range;

use super::error::{FormulaError, nearest};
use super::expression::Expression;
use super::functions::{CONSTANTS, FUNCTIONS, Function};
use super::operation::{Binary, Unary};
use super::symbols::{Symbol, Symbols};
use super::token::{Token, tokens};

const MAX_LENGTH: usize = 4096;
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 256;

/// Reads a formula with the names of `symbols`.
///
/// Precedence from weak to strong: comparisons (1 or 0), + −, * /, sign, ^ (right to left). At most 4096 bytes,
/// 32 levels of nesting and 256 nodes.
///
/// # Errors
/// [`FormulaError`] with the place in the text.
pub fn parse(text: &str, symbols: &Symbols) -> Result<Expression, FormulaError> {
    if text.len() > MAX_LENGTH {
        let message = format!("a formula of {} characters is too long", text.len());
        return Err(FormulaError::new(0..text.len(), message, format!("at most {MAX_LENGTH} are read")));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, nodes: 0, symbols };
    let expression = parser.comparison()?;
    match parser.peek() {
        Token::End => Ok(expression),
        Token::Sign(")") => Err(parser.fail("this bracket was never opened", "remove it")),
        Token::Sign(",") => {
            Err(parser.fail("a comma stands outside a function's brackets", "decimals take a point: 1.5"))
        }
        Token::Sign("<" | "<=" | ">" | ">=" | "==" | "!=") => {
            Err(parser.fail("comparisons cannot be chained", "write (a < b)*(b < c)"))
        }
        _ => Err(parser.fail("an operator is missing before this", "multiplication is written 2*x")),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    at: usize,
    depth: usize,
    nodes: usize,
    symbols: &'a Symbols,
}

type Parsed = Result<Expression, FormulaError>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn fail(&self, message: impl Into<String>, help: impl Into<String>) -> FormulaError {
        FormulaError::new(self.span(), message, help)
    }

    /// Moves on if the next token is this sign (never past the end).
    fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if s == sign);
        self.at += usize::from(found);
        found
    }

    fn count(&mut self) -> Result<(), FormulaError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the formula has more than {MAX_NODES} numbers, names and operators");
            return Err(self.fail(message, "shorten it, or move constant parts into parameters"));
        }
        Ok(())
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail(format!("the formula is nested deeper than {MAX_DEPTH} levels"), "flatten it"));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let Token::Sign(sign) = self.peek() else { return Ok(left) };
        let (operation, swapped) = match sign {
            "<" => (Binary::Less, false),
            ">" => (Binary::Less, true),
            "<=" => (Binary::LessEqual, false),
            ">=" => (Binary::LessEqual, true),
            "==" => (Binary::Equal, false),
            "!=" => (Binary::NotEqual, false),
            _ => return Ok(left),
        };
        self.at += 1;
        self.count()?;
        let right = self.sum()?;
        Ok(if swapped {
            Expression::binary(operation, right, left)
        } else {
            Expression::binary(operation, left, right)
        })
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operation = match self.peek() {
                Token::Sign("+") => Binary::Add,
                Token::Sign("-") => Binary::Sub,
                _ => return Ok(left),
            };
            self.at += 1;
            self.count()?;
            left = Expression::binary(operation, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let operation = match self.peek() {
                Token::Sign("*") => Binary::Mul,
                Token::Sign("/") => Binary::Div,
                _ => return Ok(left),
            };
            self.at += 1;
            self.count()?;
            left = Expression::binary(operation, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Parsed {
        if self.accept("+") {
            self.deeper(Self::unary)
        } else if self.accept("-") {
            self.count()?;
            Ok(Expression::unary(Unary::Neg, self.deeper(Self::unary)?))
        } else {
            self.power()
        }
    }

    fn power(&mut self) -> Parsed {
        let base = self.atom()?;
        if !self.accept("^") {
            return Ok(base);
        }
        self.count()?;
        Ok(Expression::binary(Binary::Pow, base, self.deeper(Self::unary)?))
    }

    fn atom(&mut self) -> Parsed {
        let (token, span) = self.tokens[self.at].clone();
        match token {
            Token::Number(value) => {
                self.at += 1;
                self.count()?;
                Ok(Expression::constant(value))
            }
            Token::Name(name) => {
                self.at += 1;
                self.count()?;
                if self.peek() == Token::Sign("(") { self.call(name, span) } else { self.name(name, span) }
            }
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.deeper(Self::comparison)?;
                self.close(span)?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(self.fail(format!("a number or a name is missing before `{sign}`"), "")),
            Token::End if self.at == 0 => Err(self.fail("the formula is empty", "write a number, for example 0")),
            Token::End => Err(self.fail("the formula ends where a number or a name is missing", "")),
        }
    }

    fn close(&mut self, open: Range<usize>) -> Result<(), FormulaError> {
        if self.accept(")") {
            return Ok(());
        }
        match self.peek() {
            Token::End => Err(FormulaError::new(open, "this bracket is never closed", "add a )")),
            Token::Sign("<" | "<=" | ">" | ">=" | "==" | "!=") => {
                Err(self.fail("comparisons cannot be chained", "write (a < b)*(b < c)"))
            }
            Token::Sign(",") => {
                Err(self.fail("a comma stands outside a function's brackets", "decimals take a point: 1.5"))
            }
            _ => Err(self.fail("an operator is missing before this", "multiplication is written 2*x")),
        }
    }

    fn name(&self, name: &str, span: Range<usize>) -> Parsed {
        if let Some(symbol) = self.symbols.find(name) {
            return Ok(match symbol {
                Symbol::Input(index) => Expression::input(index),
                Symbol::Value(value) => Expression::constant(value),
            });
        }
        if let Some((_, value)) = CONSTANTS.iter().find(|c| c.0 == name) {
            return Ok(Expression::constant(*value));
        }
        if FUNCTIONS.iter().any(|f| f.0 == name) {
            let message = format!("the function `{name}` needs its arguments in brackets");
            return Err(FormulaError::new(span, message, format!("write {name}(…)")));
        }
        let known = || self.symbols.names().chain(CONSTANTS.iter().map(|c| c.0));
        let help = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known names: {}", known().collect::<Vec<_>>().join(", ")),
        };
        Err(FormulaError::new(span, format!("the name `{name}` is unknown"), help))
    }

    fn call(&mut self, name: &str, span: Range<usize>) -> Parsed {
        let Some((_, function)) = FUNCTIONS.iter().find(|f| f.0 == name) else {
            return Err(self.unknown_function(name, span));
        };
        let open = self.span();
        self.at += 1;
        let mut arguments = Vec::new();
        if self.peek() != Token::Sign(")") {
            arguments.push(self.deeper(Self::comparison)?);
            while self.accept(",") {
                arguments.push(self.deeper(Self::comparison)?);
            }
        }
        self.close(open)?;
        let call = span.start..self.tokens[self.at - 1].1.end;
        match (function, &arguments[..]) {
            (Function::One(operation), [a]) => Ok(Expression::unary(*operation, a.clone())),
            (Function::Built(build), [a]) => Ok(build(a)),
            (Function::Many(operation), [first, second, rest @ ..]) => {
                let start = Expression::binary(*operation, first.clone(), second.clone());
                Ok(rest.iter().fold(start, |all, next| Expression::binary(*operation, all, next.clone())))
            }
            (Function::BuiltOfMany(build), [first, rest @ ..]) if !rest.is_empty() => Ok(build(first, rest)),
            (Function::Where, [condition, a, b]) => Ok(Expression::select(condition.clone(), a.clone(), b.clone())),
            (function, _) => Err(wrong_number(name, *function, arguments.len(), call)),
        }
    }

    fn unknown_function(&self, name: &str, span: Range<usize>) -> FormulaError {
        if self.symbols.find(name).is_some() || CONSTANTS.iter().any(|c| c.0 == name) {
            let message = format!("`{name}` is not a function");
            return FormulaError::new(span, message, format!("multiplication is written {name}*(…)"));
        }
        let help = match name {
            "ln" => "the natural logarithm is log(x)".to_owned(),
            "log10" | "log2" => "write log(x)/log(10) or log(x)/log(2)".to_owned(),
            "pow" => "a power is written x^2".to_owned(),
            "if" => "write where(condition, a, b)".to_owned(),
            "arcsin" | "arccos" | "arctan" => format!("write a{}(x)", &name[3..]),
            "sgn" => "write sign(x)".to_owned(),
            "expit" | "logistic" => "write sigmoid(x)".to_owned(),
            "log1p" | "log1pexp" => "write log(1 + x); log(1 + exp(x)) is softplus(x)".to_owned(),
            _ => match nearest(name, FUNCTIONS.iter().map(|f| f.0)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known functions: {}", FUNCTIONS.map(|f| f.0).join(", ")),
            },
        };
        FormulaError::new(span, format!("the function `{name}` is unknown"), help)
    }
}

fn wrong_number(name: &str, function: Function, found: usize, span: Range<usize>) -> FormulaError {
    let help = match function {
        Function::One(_) | Function::Built(_) => format!("write {name}(x)"),
        Function::Many(_) | Function::BuiltOfMany(_) => format!("write {name}(a, b), with two arguments or more"),
        Function::Where => "write where(condition, a, b)".to_owned(),
    };
    let arguments = if found == 1 { "argument" } else { "arguments" };
    FormulaError::new(span, format!("`{name}` cannot take {found} {arguments}"), help)
}
