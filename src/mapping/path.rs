//! Paths and conditions as authors write them: text to steps, nothing known of any schema yet.
//!
//! The notation is specified in `mappings/README.md`, section 2.

/// A path as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawPath {
    /// The part it starts in, if it names one.
    pub part: Option<String>,
    /// Whether it begins with a dot (record paths).
    pub relative: bool,
    /// Member by member.
    pub steps: Vec<RawStep>,
}

/// One member of a path, with what stands in brackets after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawStep {
    /// Name of the member; empty for brackets on the context itself.
    pub name: String,
    /// What stands in brackets.
    pub bracket: Bracket,
}

/// What stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// Nothing.
    None,
    /// `[0]`, `[1]` ... `[99]`
    Nth(usize),
    /// `[]`
    Items,
    /// `[k='v']`
    Filter(Vec<RawCondition>),
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCondition {
    /// Members down to the value.
    pub path: Vec<String>,
    /// What is asked of it.
    pub test: RawTest,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawTest {
    /// `a='x'`
    Is(String),
    /// `a!='x'`
    IsNot(String),
    /// `a~'x'`
    Like(String),
    /// `a`
    There,
    /// `!a`
    NotThere,
}

/// Reads a path; `separator` is `.`, or `/` for XML. The error is a sentence for a defect.
pub fn parse(text: &str, separator: char, parts: &[&str]) -> Result<RawPath, String> {
    let mut path = RawPath::default();
    let mut rest = text.trim();
    if let Some((part, tail)) = rest.split_once(':')
        && parts.contains(&part)
    {
        path.part = Some(part.to_owned());
        rest = tail;
    }
    if rest == "." || rest.is_empty() {
        return Ok(path);
    }
    if let Some(tail) = rest.strip_prefix('.') {
        path.relative = true;
        rest = tail;
    }
    if separator == '/' {
        rest = rest.strip_prefix("./").unwrap_or(rest);
    }
    for piece in split_outside(rest, separator)? {
        path.steps.push(step(&piece, separator)?);
    }
    Ok(path)
}

/// Reads conditions joined by commas.
pub fn conditions(text: &str, separator: char) -> Result<Vec<RawCondition>, String> {
    split_outside(text, ',')?
        .iter()
        .map(|piece| condition(piece.trim(), separator))
        .collect()
}

fn condition(text: &str, separator: char) -> Result<RawCondition, String> {
    let members = |path: &str| -> Result<Vec<String>, String> {
        let path = path.trim();
        if path.is_empty() {
            return Err("a condition without a path".to_owned());
        }
        Ok(split_outside(path, separator)?
            .iter()
            .map(|name| unquote(name).unwrap_or(name).to_owned())
            .collect())
    };
    let value = |text: &str| -> Result<String, String> {
        unquote(text.trim())
            .map(str::to_owned)
            .ok_or_else(|| "the value of a condition stands in single quotes".to_owned())
    };
    let asks = text.split('\'').next().unwrap_or_default();
    let plain = if asks.ends_with('~') { "" } else { text };
    let (path, test) = match (plain.split_once("!="), plain.split_once('=')) {
        (Some((path, right)), _) if !path.contains('=') => (path, RawTest::IsNot(value(right)?)),
        (_, Some((path, right))) => (path, RawTest::Is(value(right)?)),
        _ if text.contains("~'") => {
            let (path, right) = text.split_once('~').unwrap_or((text, ""));
            (path, RawTest::Like(value(right)?))
        }
        _ => match text.strip_prefix('!') {
            Some(path) => (path, RawTest::NotThere),
            None => (text, RawTest::There),
        },
    };
    Ok(RawCondition {
        path: members(path)?,
        test,
    })
}

fn step(text: &str, separator: char) -> Result<RawStep, String> {
    let text = text.trim();
    let open = if text.starts_with('\'') {
        text.get(1..)
            .and_then(|tail| tail.find('\''))
            .map(|at| at + 2)
            .filter(|at| text.get(*at..).is_some_and(|t| t.starts_with('[')))
    } else {
        text.find('[')
    };
    let (name, bracket) = match open {
        None => (text, Bracket::None),
        Some(at) => {
            let (name, tail) = text.split_at(at);
            let inner = tail
                .strip_prefix('[')
                .and_then(|t| t.strip_suffix(']'))
                .ok_or_else(|| "a bracket is not closed".to_owned())?;
            let bracket = match inner.trim() {
                "" => Bracket::Items,
                digit if digit.len() <= 2 && digit.parse::<usize>().is_ok() => {
                    Bracket::Nth(digit.parse().unwrap_or(0))
                }
                other => Bracket::Filter(conditions(other, separator)?),
            };
            (name, bracket)
        }
    };
    let name = unquote(name).unwrap_or(name).to_owned();
    if name.is_empty() && bracket == Bracket::None {
        return Err("a step of the path is empty".to_owned());
    }
    Ok(RawStep { name, bracket })
}

fn unquote(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

/// Splits at a character that stands outside quotes and brackets.
fn split_outside(text: &str, at: char) -> Result<Vec<String>, String> {
    let mut pieces = vec![String::new()];
    let (mut depth, mut quoted) = (0_u32, false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| "a bracket is closed that was not opened".to_owned())?;
            }
            _ => {}
        }
        match pieces.last_mut() {
            _ if c == at && depth == 0 && !quoted => pieces.push(String::new()),
            Some(piece) => piece.push(c),
            None => {}
        }
    }
    if depth > 0 || quoted {
        return Err("a bracket or a quote is not closed".to_owned());
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every step form is read. Method: one path that has them all.
    #[test]
    fn every_form_of_step_is_read() {
        let text = "task:extension[url='http://a.b/c', x.y='z'].'Date of Birth'.code[0].x[]";
        let path = parse(text, '.', &["task"]).unwrap();
        assert_eq!(path.part.as_deref(), Some("task"));
        let names: Vec<&str> = path.steps.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["extension", "Date of Birth", "code", "x"]);
        let Bracket::Filter(filter) = &path.steps[0].bracket else {
            panic!("no filter");
        };
        assert_eq!(filter[0].test, RawTest::Is("http://a.b/c".into()));
        assert_eq!(filter[1].path, ["x", "y"]);
        assert_eq!(path.steps[2].bracket, Bracket::Nth(0));
        assert_eq!(path.steps[3].bracket, Bracket::Items);
    }

    /// Goal: an XML prefix is not a part. Method: a path with a prefix, and one with a part too.
    #[test]
    fn prefixes_and_parts_are_told_apart() {
        let path = parse("nc:Person/nc:Date/@s:id", '/', &["child"]).unwrap();
        assert_eq!(path.part, None);
        assert_eq!(path.steps[2].name, "@s:id");
        let path = parse("child:nc:Person", '/', &["child"]).unwrap();
        assert_eq!(path.part.as_deref(), Some("child"));
        assert_eq!(path.steps[0].name, "nc:Person");
    }

    /// Goal: broken notation is refused. Method: one of each kind.
    #[test]
    fn broken_notation_is_refused() {
        for text in ["a[", "a]", "a..b", "a[k=v]", "a['x]"] {
            assert!(parse(text, '.', &[]).is_err(), "{text}");
        }
    }

    /// Goal: all tests of a condition are read. Method: one of each.
    #[test]
    fn all_tests_of_a_condition_are_read() {
        let all = conditions("a='1', b!='2', c, !d, e~'3=4'", '.').unwrap();
        let tests: Vec<_> = all.into_iter().map(|c| c.test).collect();
        let expected = [
            RawTest::Is("1".into()),
            RawTest::IsNot("2".into()),
            RawTest::There,
            RawTest::NotThere,
            RawTest::Like("3=4".into()),
        ];
        assert_eq!(tests, expected);
    }
}
