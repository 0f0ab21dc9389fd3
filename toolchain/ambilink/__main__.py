from ambilink.cli import main

main()
