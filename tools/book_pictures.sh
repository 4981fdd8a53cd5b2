#!/bin/sh
# The pictures that the pages of the book show: pictures/SCENARIO.PICTURE.png, each from a run of its scenario.
# Usage: tools/book_pictures.sh PROGRAM. Records are kept in target/book-records; a scenario is run again where it is newer than its record.
set -eu
program=$1
pages=book/src/scenarios
records=target/book-records
mkdir -p "$records" "$pages/pictures" book/src/pictures

# Draws the pictures that the pages in $1 name, of scenarios in the folder $2.
draw() {
    grep -oh '(pictures/[a-z0-9.-]*\.png)' "$1"/*.md | sed 's/^(pictures\///; s/\.png)$//' | sort -u | while read -r name; do
        scenario=${name%.*} picture=${name##*.}
        case $scenario.$picture in
            network-*) command=network ;;
            *.bifurcation | *.branch-fits | *.leave-one-out) command=genesis ;;
            *) command=scenario ;;
        esac
        record=$records/$scenario.$command.h5
        if [ ! -f "$record" ] || [ "$2/$scenario.toml" -nt "$record" ] || [ "$program" -nt "$record" ]; then
            echo "runs $scenario"
            "$program" "$command" "$2/$scenario.toml" --force --quiet -o "$record" > /dev/null
        fi
        "$program" plot "$record" --only "$picture" --format png -o "$1/pictures/$name.png" > /dev/null
    done
}

draw "$pages" scenarios
draw book/src networks/scenarios
