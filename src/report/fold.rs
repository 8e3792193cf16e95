//! Folding lines at a width.

/// `start` and then `text`, folded at `width` columns; later lines are set in by `indent` blanks. Words longer than a line,
/// such as model names, are cut.
pub(super) fn fold(start: &str, text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut lines = vec![String::new()];
    for piece in text.split(' ').flat_map(|word| pieces(word, room)) {
        let last = lines.last_mut().expect("there is always one line");
        if !last.is_empty() && last.chars().count() + 1 + piece.chars().count() > room {
            lines.push(piece);
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(&piece);
        }
    }
    let mut folded = String::new();
    for (index, line) in lines.iter().enumerate() {
        folded += if index == 0 { start } else { "" };
        folded += &" ".repeat(if index == 0 { 0 } else { indent });
        folded += line;
        folded.push('\n');
    }
    folded
}

/// Every line of a page folded at the width, later parts set in a little deeper than its own indentation.
pub(super) fn fold_page(page: &str, width: usize) -> String {
    let folded = page.lines().map(|line| {
        if line.chars().count() <= width {
            return line.to_owned() + "\n";
        }
        let indent = line.len() - line.trim_start().len();
        fold(&line[..indent], line.trim_start(), indent + 4, width)
    });
    folded.collect()
}

fn pieces(word: &str, room: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(room).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nothing_runs_over() {
        let text = "one two three abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz four";
        let folded = fold("  x ", text, 4, 30);
        assert!(folded.lines().all(|line| line.chars().count() <= 30), "{folded}");
        let letters = |text: &str| text.chars().filter(|character| character.is_alphabetic()).collect::<String>();
        assert_eq!(letters(&folded), format!("x{}", letters(text)));
        assert_eq!(fold_page("  short\n\nplain\n", 30), "  short\n\nplain\n");
    }
}
