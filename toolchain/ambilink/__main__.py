from ambilink.early import main

main()
