m4h_test(unit_config
    SOURCES config_command_line.c config_environment.c config_file.c config_option.c config_reload.c config_sample.c
        config_main.c config_fixture.c
    LINK config
    LABELS unit)
