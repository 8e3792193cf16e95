use super::*;

fn given(variables: &[(&str, &str)]) -> Result<Option<Traces>, String> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Traces::given(&find)
}

fn url(variables: &[(&str, &str)]) -> String {
    given(variables).unwrap().expect("traces are on").address.url().to_string()
}

const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

#[test]
fn off_unless_a_collector_is_named() {
    let off = |variables: &[(&str, &str)]| given(variables).unwrap().is_none();
    assert!(off(&[]));
    assert!(off(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]));
    assert!(off(&[ALL, ("OTEL_SDK_DISABLED", "TRUE")]));
    assert!(off(&[ALL, ("OTEL_TRACES_EXPORTER", "none")]));
    assert!(off(&[ALL, ("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]), "not recorded");
    assert!(!off(&[ALL, ("OTEL_SDK_DISABLED", "false"), ("TRACEPARENT", "nonsense")]));
}

#[test]
fn the_path_is_added_to_the_address_for_everything_only() {
    assert_eq!(url(&[ALL]), "http://collector:4318/v1/traces");
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h/otlp/")]), "https://h/otlp/v1/traces");
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h/a?k=v")]), "https://h/a/v1/traces?k=v");
    assert_eq!(url(&[ALL, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://h/x?k=v")]), "https://h/x?k=v");
}

#[test]
fn headers_travel_encrypted_or_on_this_machine() {
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret");
    let why = given(&[ALL, headers]).unwrap_err();
    assert!(why.contains("https") && !why.contains("s3cret") && !why.contains('\n'), "{why}");
    assert!(given(&[ALL, headers, ("OTEL_EXPORTER_OTLP_INSECURE", "true")]).unwrap().is_some());
    for base in ["http://127.0.0.1:4318", "https://collector"] {
        let traces = given(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base), headers]).unwrap().unwrap();
        assert!(!format!("{traces:?}").contains("s3cret"));
    }
    let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "other=1");
    let traces = given(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"), headers, of_traces]).unwrap().unwrap();
    assert_eq!(traces.headers.all().keys().map(reqwest::header::HeaderName::as_str).collect::<Vec<_>>(), ["other"]);
}

#[test]
fn what_cannot_be_used_is_said_in_one_sentence() {
    for (variables, words) in [
        (&[ALL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")][..], "`grpc`"),
        (&[ALL, ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret")], "OTEL_EXPORTER_OTLP_HEADERS"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")], "http://collector:4318"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:s3cret@h")], "password"),
        (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "s3cret")], "no address of a trace collector"),
    ] {
        let why = given(variables).unwrap_err();
        assert!(why.starts_with("no trace is sent: ") && why.contains(words) && !why.contains("s3cret"), "{why}");
    }
    assert!(given(&[ALL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]).is_ok());
}

#[test]
fn time_is_never_more_than_two_seconds() {
    let all = |text| given(&[ALL, ("OTEL_EXPORTER_OTLP_TIMEOUT", text)]).unwrap().unwrap().all;
    assert_eq!(all("500"), Duration::from_millis(500));
    assert_eq!((all("10000"), all("soon")), (super::ALL, super::ALL));
}

#[test]
fn what_traces_are_of() {
    let named = |variables: &[(&str, &str)]| given(&[&[ALL][..], variables].concat()).unwrap().unwrap().resource;
    let find = |all: &[(String, String)], name: &str| {
        let found: Vec<String> =
            all.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect();
        found.join("|")
    };
    assert_eq!(find(&named(&[]), SERVICE), "optimizer");
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,deployment.environment.name=eu%20west,x=1+1=2");
    let resource = named(&[attributes]);
    assert_eq!(find(&resource, SERVICE), "a");
    assert_eq!(
        (find(&resource, "deployment.environment.name"), find(&resource, "x")),
        ("eu west".into(), "1+1=2".into())
    );
    assert_eq!(find(&named(&[attributes, ("OTEL_SERVICE_NAME", "b")]), SERVICE), "b");
    assert_eq!(find(&named(&[("OTEL_RESOURCE_ATTRIBUTES", "broken")]), SERVICE), "optimizer");
    assert_eq!(find(&resource, "service.version"), env!("CARGO_PKG_VERSION"));
}

#[test]
fn percent_signs_that_encode_nothing_stay() {
    for (text, expected) in
        [("a%20b", Some("a b")), ("100%", Some("100%")), ("%+1", Some("%+1")), ("%ff", None), ("%é", Some("%é"))]
    {
        assert_eq!(decoded(text).as_deref(), expected, "{text}");
    }
}
