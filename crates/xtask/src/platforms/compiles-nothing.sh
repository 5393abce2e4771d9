#!/bin/sh
# Makes the file that it is asked for, with nothing in it.
previous=
for argument; do
    case $argument in
    -E) echo '#pragma message "clang"'; exit 0 ;; # cc-rs asks which compiler this is,
    '-?') exit 1 ;;                               # and whether it is Microsoft's
    esac
    case $previous in
    -o) : > "$argument" ;;
    -l) echo '!<arch>' > "$argument" ;;           # dlltool: a library without members
    esac
    previous=$argument
done
