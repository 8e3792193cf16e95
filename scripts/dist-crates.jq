# From `cargo metadata`: the crates that go into the binary, as name, licence and folder. Not ours, and no tools of tests.
def closure($edges): def grow: . as $seen | ($seen + [$seen[] | $edges[.][]] | unique) | if length > ($seen | length) then grow else . end; grow;

.resolve.root as $root
| (.resolve.nodes | map({(.id): [.deps[] | select(any(.dep_kinds[]; .kind == null)) | .pkg]}) | add) as $edges
| ([$root] | closure($edges)) as $parts
| [.packages[] | select(.id != $root and (.id | IN($parts[])))]
| sort_by(.name, .version)[]
| ["\(.name) \(.version)", (.license // "no licence stated" | gsub(" */ *"; " OR ")), (.manifest_path | rtrimstr("/Cargo.toml"))]
| @tsv
