#!/bin/bash
# Takes out what install put in.
set -u
case ${1:-} in
--force) ;;
*)
    printf 'This program will uninstall all eswitchsim-en packages on your machine.\n\nDo you want to continue?[y/N]:'
    read -r answer
    [ "$answer" = y ] || exit 1
    ;;
esac
dkms remove eswitchsim/1.0 --all
rm -rf /usr/src/eswitchsim-1.0
echo "Uninstall finished successfully"
