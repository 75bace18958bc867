#!/usr/bin/env bash
# What `./dev image` does, without an engine's daemon (buildah, chroot isolation).
#
#     image.sh build BINARY       the image, as an OCI archive in build/image; says its digest, size and packages
#     image.sh function BINARY    that of the function product-image-processor, in build/functions/image
#     image.sh push REGISTRY      to REGISTRY/ecommerce/<service>:<version>-<commit>, one image under nine names; that of the
#                                 function to REGISTRY/ecommerce/product-image-processor where it was built
#     image.sh pin OVERLAY TAG    which image an overlay runs; TAG may be sha256:… of all of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
services=(api-gateway user-service product-service cart-service order-service payment-service notification-service activity-service analytics-service)
out=build/image name=stoa function=product-image-processor
version=$(sed -n 's/^project(stoa VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
export STORAGE_DRIVER=vfs

die() {
    printf 'image: %s\n' "$*" >&2
    exit 1
}

# build BINARY [DOCKERFILE]
build() {
    local binary=${1:?a binary} dockerfile=${2:-deploy/image/Dockerfile} revision archive=$out/$name.tar
    local storage=(--root "$PWD/$out/storage" --runroot "$PWD/$out/run" --storage-driver vfs)
    [[ -x $binary ]] || die "$binary is not there: ./dev build makes it"
    command -v buildah >/dev/null || die "buildah is missing: install the Debian package buildah"
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    mkdir -p "$out"
    deploy/image/stage.sh "$binary" "$out/root"
    # The Dockerfile from its last stage on, with what was staged here in place of what is compiled there.
    sed -n '/^FROM scratch/,$p' "$dockerfile" | sed 's#^COPY --from=compile /stage/ /#COPY root/ /#' >"$out/Dockerfile"
    buildah "${storage[@]}" bud --quiet --isolation chroot --format docker --timestamp 0 --build-arg "VERSION=$version" \
        --build-arg "REVISION=$revision" --file "$out/Dockerfile" --tag "$name:$version" "$out" >"$out/id"
    rm -f "$archive"
    buildah "${storage[@]}" push --quiet --format oci "$name:$version" "oci-archive:$archive:$name:$version"
    digest >"$out/digest"
    printf '%s %s, %s kB packed, %s kB unpacked, %s Debian packages\n' "$name:$version" "$(cat "$out/digest")" \
        "$(($(stat -c %s "$archive") / 1000))" "$(du -sk --apparent-size "$out/root" | cut -f1)" \
        "$(grep -c 'pkg:deb' "$out/root/usr/share/stoa/sbom.spdx.json")"
}
digest() {
    tar -xOf "$out/$name.tar" index.json | python3 -c 'import json, sys; print(json.load(sys.stdin)["manifests"][0]["digest"])'
}

push() {
    local registry=${1:?a registry, as 111122223333.dkr.ecr.us-east-1.amazonaws.com} each tag
    command -v skopeo >/dev/null || die "skopeo is missing: install the Debian package skopeo"
    [[ -f $out/stoa.tar ]] || die "there is no image: ./dev image makes it"
    # A tag names one image for ever: the version alone is that of many commits.
    tag=$version-$(git rev-parse --short=12 HEAD)
    # The digest that is pinned is the archive's: a registry that would have it packed otherwise is an error.
    for each in "${services[@]}"; do
        skopeo copy --quiet --preserve-digests "oci-archive:$out/stoa.tar" "docker://$registry/ecommerce/$each:$tag"
    done
    printf 'pushed %s as ecommerce/<service>:%s to %s\n' "$(cat "$out/digest")" "$tag" "$registry"
    local archive=build/functions/image/$function.tar
    [[ -f $archive ]] || return 0
    skopeo copy --quiet --preserve-digests "oci-archive:$archive" "docker://$registry/ecommerce/$function:$tag"
    printf 'pushed %s as ecommerce/%s:%s\n' "$(cat build/functions/image/digest)" "$function" "$tag"
}

pin() {
    local overlay=${1:?an overlay of deploy/kubernetes/overlays} tag=${2:?a tag, or sha256:…} file registry each
    file=deploy/kubernetes/overlays/$overlay/images/kustomization.yaml
    [[ -f $file ]] || die "no overlay '$overlay'; there are: $(cd deploy/kubernetes/overlays && printf '%s ' *)"
    [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ || $tag =~ ^sha256:[0-9a-f]{64}$ ]] || die "'$tag' is neither a tag nor a digest"
    registry=${3:-$(sed -n 's#.*newName: \(.*\)/ecommerce/api-gateway,.*#\1#p' "$file")}
    {
        sed -n '/^images:/q; p' "$file"
        echo "images:"
        for each in "${services[@]}"; do
            if [[ $tag == sha256:* ]]; then
                printf '  - {name: ecommerce/%s, newName: %s/ecommerce/%s, digest: "%s"}\n' "$each" "$registry" "$each" "$tag"
            else
                printf '  - {name: ecommerce/%s, newName: %s/ecommerce/%s, newTag: "%s"}\n' "$each" "$registry" "$each" "$tag"
            fi
        done
    } >"$file.new"
    mv "$file.new" "$file"
    printf '%s runs %s\n' "$overlay" "$tag"
}

case ${1-} in
build | push | pin) "$@" ;;
function)
    out=build/functions/image name=$function
    build "${2:?a binary}" "deploy/functions/$function/Dockerfile"
    ;;
*)
    sed -n '4,8p' "${BASH_SOURCE[0]}" | sed 's/^# *//' >&2
    exit 2
    ;;
esac
