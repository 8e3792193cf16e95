//! Fenced blocks of a Markdown page, and what a block of a terminal says.

/// A fenced block.
#[derive(Debug)]
pub struct Fence<'a> {
    /// Of the line that opens it, from 1.
    pub line: usize,
    pub language: &'a str,
    /// From `<!-- world: NAME -->` on the line before.
    pub world: Option<&'a str>,
    pub body: &'a str,
}

/// In the order of the page.
pub fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let (mut open, mut before, mut at) = (None, "", 0);
    for (index, line) in page.split_inclusive('\n').enumerate() {
        let text = line.trim_end();
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(language)) => {
                let world = before.strip_prefix("<!-- world: ").and_then(|rest| rest.strip_suffix(" -->"));
                open = Some((index + 1, language, world, at + line.len()));
            }
            (Some((line, language, world, start)), Some("")) => {
                found.push(Fence { line: *line, language, world: *world, body: &page[*start..at] });
                open = None;
            }
            _ => {}
        }
        (before, at) = (text, at + line.len());
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    found
}

/// What is in single backticks outside of blocks, and begins as a command of ours.
pub fn commands_in_prose(page: &str) -> Vec<&str> {
    let mut outside = true;
    let prose = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        outside ^= fence;
        outside && !fence
    });
    let spans = prose.flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter(|span| span.starts_with("optimizer ")).collect()
}

/// One command of a block and what it has to print.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    /// `? 5` on the line after the command; 0 where there is none.
    pub code: i32,
    /// `...` stands for any lines, `[..]` for any characters of a line.
    pub output: String,
}

/// `$ command`, `> more of it`, `? exit code`, output.
pub fn steps(body: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in body.split_inclusive('\n') {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.trim_end().to_owned(), code: 0, output: String::new() });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        match (line.strip_prefix("> "), line.strip_prefix("? ")) {
            (Some(more), _) if step.output.is_empty() => step.command += &format!("\n{}", more.trim_end()),
            (_, Some(code)) if step.output.is_empty() => step.code = code.trim().parse().expect("an exit code"),
            _ => step.output += line,
        }
    }
    steps
}

#[test]
fn blocks_are_found_with_their_worlds() {
    let page = "text `optimizer run` and `run`\n<!-- world: canary -->\n```console\n$ a\n> b\n? 5\nout\n...\n$ c\n```\n\n```sh\nd\n```\n";
    let found = fences(page);
    let kinds: Vec<_> = found.iter().map(|fence| (fence.line, fence.language, fence.world)).collect();
    assert_eq!(kinds, [(3, "console", Some("canary")), (12, "sh", None)]);
    let step = |command: &str, code, output: &str| Step { command: command.into(), code, output: output.into() };
    assert_eq!(steps(found[0].body), [step("a\nb", 5, "out\n...\n"), step("c", 0, "")]);
    assert_eq!(commands_in_prose(page), ["optimizer run"]);
}
