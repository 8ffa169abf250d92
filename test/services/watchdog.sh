#!/bin/sh
# watchdog.sh OWNER FOLDER: when the process OWNER is gone, however it went, ends the servers whose ids are in
# FOLDER/*/pid and removes FOLDER. Ends by itself when FOLDER is gone.
owner=$1
folder=$2

command_line() {
  if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -ww -o command= -p "$1"; fi 2>/dev/null
}

# The ids of the servers that still run. Another process that got an old id is not one of them.
servers() {
  for file in "$folder"/*/pid; do
    [ -r "$file" ] || continue
    pid=$(cat "$file")
    case "$(command_line "$pid")" in *"$folder"*) printf '%s ' "$pid" ;; esac
  done
}

while kill -0 "$owner" 2>/dev/null; do
  [ -d "$folder" ] || exit 0
  sleep 1
done
for pid in $(servers); do kill "$pid" 2>/dev/null; done
for _ in 1 2 3 4 5; do
  [ -z "$(servers)" ] && break
  sleep 1
done
for pid in $(servers); do kill -9 "$pid" 2>/dev/null; done
rm -rf "$folder"
