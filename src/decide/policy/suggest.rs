//! What somebody probably meant.

/// The known name nearest to what was written, if any is near enough to be worth mentioning.
pub(in crate::decide) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any name by far: no slip of the finger, and the comparison takes time in proportion.
    if written.len() > 64 {
        return None;
    }
    let written = written.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(&written, name);
            let longer = written.chars().count().max(name.chars().count());
            // A third of the letters: more would call `off` a slip for `on`.
            let near = distance <= 1.max(longer / 3);
            let beginning = written.len() >= 4 && name.starts_with(&written);
            (near || beginning).then_some((distance, name))
        })
        // On a tie the alphabet decides, so that the same file gets the same message.
        .min()
        .map(|(_, name)| name)
}
