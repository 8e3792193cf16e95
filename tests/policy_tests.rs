//! `policy test`: what examples may give beside figures reaches the rules.

mod support;

use std::fs;

use support::run;
use tempfile::tempdir;

const POLICY: &str = "extends: balanced
rules:
  - id: eu-only
    when: user.region == 'EU' && model.region != 'eu'
    mode: enforce
    priority: 9
    then: { deny: users in the EU are served in the EU }
  - id: month-spent
    when: cost.month > 1000
    then: { warn: the month is spent }
  - id: patient
    when: errors.rate < 0.9
    for: 2h
    then: { warn: it lasts }
  - id: rested
    when: errors.rate < 0.9
    cooldown: 6h
    then: { warn: again }
  - id: rare
    when: errors.rate < 0.9
    max_per_day: 2
    then: { warn: often }
";

const ARMS: &str = "arms: [{model: openai/gpt-4o, requests: 500, latency_p95_ms: 900, cost_usd: 0.01, quality: 0.9}]";

#[test]
fn facts_memory_and_configuration_reach_the_rules() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let test = |name: &str, given: &str, expect: &str| {
        format!("  - name: {name}\n    given:\n      {ARMS}\n{given}    expect: {expect}\n")
    };
    let cases = [
        // Unknown is not fine: what forbids or warns does so.
        test("nothing given", "", "{fired: [eu-only, month-spent, rested, rare], not_fired: [patient]}"),
        test("elsewhere", "      facts: {user.region: US}\n", "{not_fired: [eu-only]}"),
        test("much", "      facts: {monthly_cost: 1200}\n", "{fired: [month-spent]}"),
        test("little", "      facts: {cost.month: 12}\n", "{not_fired: [month-spent]}"),
        test("stands above figures", "      facts: {errors.rate: 0.95}\n", "{not_fired: [rested]}"),
        test("long enough", "      memory: {patient: {held_for: 2h}}\n", "{fired: [patient]}"),
        test("not yet", "      memory: {patient: {held_for: 119m}}\n", "{not_fired: [patient]}"),
        test("rests", "      memory: {rested: {acted_ago: [5h, 2d]}}\n", "{not_fired: [rested]}"),
        test("has rested", "      memory: {rested: {acted_ago: [6h]}}\n", "{fired: [rested]}"),
        test("twice today", "      memory: {rare: {acted_ago: [1h, 2h]}}\n", "{not_fired: [rare]}"),
        test("once today", "      memory: {rare: {acted_ago: [1h, 20h]}}\n", "{fired: [rare]}"),
        test("configured", "      configuration: {model: gpt-4o, max_tokens: 512, stream: true}\n", "{model: none}"),
    ];
    let path = folder.path().join("tests.yaml");
    let file = format!("policy: policy.yaml\ntests:\n{}", cases.concat());
    fs::write(&path, &file).unwrap();
    let shown = run(folder.path(), &["policy", "test", "tests.yaml"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{}", shown.stdout);
    assert!(shown.stdout.ends_with("12 of 12 tests passed\n"), "{}", shown.stdout);

    // A rule that is not there is no memory that anything asks for.
    fs::write(&path, file.replace("memory: {patient: {held_for: 2h}}", "memory: {pateint: {held_for: 2h}}")).unwrap();
    let shown = run(folder.path(), &["policy", "test", "tests.yaml"]);
    assert_eq!(shown.code, Some(1));
    assert!(
        shown.stdout.contains("expected a rule of the policy") && shown.stdout.contains("`pateint`"),
        "{}",
        shown.stdout
    );
}
