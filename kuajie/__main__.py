from kuajie.cli import main

main()
