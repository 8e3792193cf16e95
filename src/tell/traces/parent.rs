//! The span that a run takes place in, where whoever started it says so (W3C Trace Context, `traceparent`).

/// A span of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    /// 32 and 16 hexadecimal digits.
    pub trace: String,
    pub span: String,
    /// Whether that trace is recorded.
    pub sampled: bool,
}

impl Parent {
    /// `00-<trace>-<span>-<flags>`, and what later versions add behind it. None where it is not that: then the run begins a trace of its
    /// own, as the standard wants.
    pub fn read(text: &str) -> Option<Self> {
        let digits = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let named = |text: &str, length| digits(text, length) && text.bytes().any(|byte| byte != b'0');
        let parts: Vec<&str> = text.trim().split('-').collect();
        let (&[version, trace, span, flags], rest) = parts.split_first_chunk::<4>()?;
        let whole = digits(version, 2) && version != "ff" && (version != "00" || rest.is_empty());
        if !whole || !named(trace, 32) || !named(span, 16) || !digits(flags, 2) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace: trace.to_owned(), span: span.to_owned(), sampled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let parent = |sampled| Some(Parent { trace: trace.to_owned(), span: span.to_owned(), sampled });
        assert_eq!(Parent::read(&format!("00-{trace}-{span}-01")), parent(true));
        assert_eq!(Parent::read(&format!(" 00-{trace}-{span}-02\n")), parent(false));
        assert_eq!(Parent::read(&format!("cc-{trace}-{span}-01-what-comes")), parent(true));
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}-{span}-1"),
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned(),
        ] {
            assert_eq!(Parent::read(&wrong), None, "{wrong}");
        }
    }
}
