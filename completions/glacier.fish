# made by python -m glaciercli.docgen; do not edit
function _glacier_completion;
    set -l response (env _GLACIER_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) glacier);

    for completion in $response;
        set -l metadata (string split --max 1 "," $completion);

        if test $metadata[1] = "dir";
            __fish_complete_directories $metadata[2];
        else if test $metadata[1] = "file";
            complete -C "'' "(commandline -ct);
        else if test $metadata[1] = "plain";
            echo $metadata[2];
        end;
    end;
end;

complete --no-files --command glacier --arguments "(_glacier_completion)";
