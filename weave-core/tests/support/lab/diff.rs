//! The difference of two lists of lines, as `diff` prints it.

/// Lines around a difference that show where it is.
const CONTEXT: usize = 2;

enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The lines that differ, marked `-` and `+`, with a little context; empty if there are none.
pub(super) fn diff(before: &[String], after: &[String]) -> Vec<String> {
    let lines = compare(before, after);
    let near = |at: usize| {
        let range = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len());
        lines[range].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let shown = lines.iter().enumerate().filter(|(at, _)| near(*at)).map(|(_, line)| match line {
        Line::Same(text) => format!("  {text}"),
        Line::Gone(text) => format!("- {text}"),
        Line::New(text) => format!("+ {text}"),
    });
    shown.collect()
}

/// Walks both lists along their longest common subsequence.
fn compare<'a>(before: &'a [String], after: &'a [String]) -> Vec<Line<'a>> {
    let head = before.iter().zip(after).take_while(|(one, two)| one == two).count();
    let rest = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(one, two)| one == two).count();
    // Equal ends are cut off first: the table is quadratic, and mostly only the middle differs.
    let (old, new) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let mut lines: Vec<_> = before[..head].iter().map(|line| Line::Same(line)).collect();
    let common = common_lengths(old, new);
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(&old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line::Gone(&old[i]));
            i += 1;
        } else {
            lines.push(Line::New(&new[j]));
            j += 1;
        }
    }
    lines.extend(before[before.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}

/// The length of the longest common subsequence of `old[i..]` and `new[j..]`, for every i and j.
fn common_lengths(old: &[String], new: &[String]) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            table[i][j] = if old[i] == new[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    table
}
