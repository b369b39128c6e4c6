//! Whether a number survives the usual readers.
//!
//! We keep the lexeme and lose nothing, but recipients read numbers as IEEE 754 doubles: a lexeme
//! that is another number after that trip is not taken.

/// Whether a JSON number means the same after a trip through a double.
pub fn is_exact(lexeme: &str) -> bool {
    let Some((digits, exponent)) = scientific(lexeme) else {
        return false;
    };
    if digits.is_empty() {
        return true;
    }
    // Fifteen significant digits always survive where the exponent is ordinary.
    if digits.len() <= 15 && (-290..=290).contains(&exponent) {
        return true;
    }
    let Ok(value) = lexeme.parse::<f64>() else {
        return false;
    };
    value.is_finite() && scientific(&format!("{value:e}")) == Some((digits, exponent))
}

/// Significant digits without outer zeros, and the power of ten of the first one.
fn scientific(lexeme: &str) -> Option<(String, i64)> {
    let unsigned = lexeme.strip_prefix('-').unwrap_or(lexeme);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        // An exponent too long to read is no number anyone keeps.
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = [whole, fraction].concat();
    let digits = all.trim_start_matches('0');
    let dropped = all.len() - digits.len();
    let power = i64::try_from(whole.len()).ok()? - 1 - i64::try_from(dropped).ok()?;
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Some((String::new(), 0));
    }
    Some((digits.to_owned(), power + i64::from(exponent)))
}

#[cfg(test)]
mod tests {
    use super::is_exact;

    // Goal: exactly the lexemes a double keeps are taken. Method: a table on both sides.
    #[test]
    fn a_number_is_taken_only_if_a_double_keeps_it() {
        for kept in [
            "0",
            "-0",
            "1",
            "0.1",
            "1.10",
            "100",
            "1e3",
            "9007199254740992",
            "0.30000000000000004",
            "1e-300",
            "123456789012345",
            "-12.5E+2",
            "0.000",
            "1e22",
            "17976931348623157e292",
        ] {
            assert!(is_exact(kept), "{kept} is kept");
        }
        for lost in [
            "9007199254740993",
            "12345678901234567890123",
            "0.1234567890123456789",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999",
        ] {
            assert!(!is_exact(lost), "{lost} is not kept");
        }
    }
}
