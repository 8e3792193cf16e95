# From `cargo metadata`: a CycloneDX 1.6 document of the binary, the shared library and every crate that goes into them.
# Crates that only build or test are left out. $sums: SHA-256 by name@version, from Cargo.lock.
def closure($edges): def grow: . as $seen | ($seen + [$seen[] | $edges[.][]] | unique) | if length > ($seen | length) then grow else . end; grow;
def purl: "pkg:cargo/\(.name)@\(.version)";
def licences: if .license == null then [] else [{expression: (.license | gsub(" */ *"; " OR "))}] end;
def hashes($sum): if ($sum // "") == "" then [] else [{alg: "SHA-256", content: $sum}] end;

.resolve.root as $root
| (.resolve.nodes | map({(.id): [.deps[] | select(any(.dep_kinds[]; .kind == null)) | .pkg]}) | add) as $edges
| ([$root] | closure($edges)) as $parts
| (.packages | map({(.id): .}) | add) as $packages
| $packages[$root] as $us
| ($packages | to_entries | map(.value | select(.name == "libduckdb-sys"))[0].version // "0.0.0"
    # The crate's version encodes the library's: 1.10506.1 is the binding to 1.5.6.
    | split(".")[1] | tonumber | "\(. / 10000 | floor).\(. / 100 % 100).\(. % 100)") as $duckdb
| "pkg:github/duckdb/duckdb@v\($duckdb)" as $duckdb_purl
| {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    # The same programs have the same number.
    serialNumber: "urn:uuid:\($both[0:8])-\($both[8:12])-5\($both[13:16])-8\($both[17:20])-\($both[20:32])",
    version: 1,
    metadata: {
        timestamp: ($epoch | todate),
        component: {
            type: "application", "bom-ref": ($us | purl), name: "optimizer", version: $us.version, purl: ($us | purl),
            description: $us.description, licenses: ($us | licences), hashes: hashes($binary)
        }
    },
    components: (
        [$parts[] | select(. != $root) | $packages[.] | . as $crate | {
            type: "library", "bom-ref": purl, name, version, purl: purl, scope: "required",
            licenses: licences, hashes: hashes($sums[0]["\(.name)@\(.version)"]),
            externalReferences: (if .repository == null then [] else [{type: "vcs", url: .repository}] end)
        }]
        + [{
            type: "library", "bom-ref": $duckdb_purl, name: "duckdb", version: $duckdb, purl: $duckdb_purl, scope: "required",
            licenses: [{license: {id: "MIT"}}], hashes: hashes($library),
            externalReferences: [{type: "vcs", url: "https://github.com/duckdb/duckdb"}]
        }]
        | sort_by(.name, .version)
    ),
    dependencies: (
        [$parts[] as $id | {
            ref: ($packages[$id] | purl),
            dependsOn: ([$edges[$id][] | $packages[.] | purl]
                + (if $packages[$id].name == "libduckdb-sys" then [$duckdb_purl] else [] end) | unique)
        }] + [{ref: $duckdb_purl, dependsOn: []}]
        | sort_by(.ref)
    )
}
