//! Links between pages: the file is there, and so is the heading.

use std::path::Path;

/// Targets of links in prose, web addresses left out.
pub fn links(page: &str) -> Vec<&str> {
    let mut outside = true;
    let lines = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        outside ^= fence;
        outside && !fence
    });
    let targets = lines.flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    targets.filter(|target| !target.contains("://")).collect()
}

/// What is wrong with a link from a page in `folder`, whose own text is `page`.
pub fn broken(folder: &Path, page: &str, target: &str) -> Option<String> {
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path = folder.join(file);
    if !file.is_empty() && !path.exists() {
        return Some(format!("`{target}`: there is no such file"));
    }
    let other = if file.is_empty() { page.to_owned() } else { std::fs::read_to_string(path).unwrap_or_default() };
    let heading = heading?;
    let known = other.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading);
    (!known).then(|| format!("`{target}`: there is no such heading"))
}

/// As those who show Markdown make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn headings_have_anchors() {
    assert_eq!(anchor("## Why did it do that?"), "why-did-it-do-that");
    let page = "# One, two\n[a](#one-two) [b](#three) `x](y)`\n";
    let found: Vec<_> = links(page).into_iter().map(|link| broken(Path::new("."), page, link).is_some()).collect();
    assert_eq!(found, [false, true, true]);
}
