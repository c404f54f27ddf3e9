# Join the Lua files into one C string; each but the first stands inside do ... end.
BEGIN {
    print "/* Made from collector/store/lua by embed.awk. */"
    print "#include \"config.h\""
    print "#include \"collector/store/internal.h\""
    print "const char store_library[] = \"#!lua name=abeng\\n\""
}
FNR == 1 {
    if (files > 1)
        print "\"end\\n\""
    files++
    if (files > 1)
        print "\"do\\n\""
}
/^ *--/ { next }
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    print "\"" $0 "\\n\""
}
END {
    if (files > 1)
        print "\"end\\n\""
    print ";"
}
