# In your kakrc, after kakoune-lsp is loaded: Missy beside the language's own server.
hook global BufSetOption filetype=(?:python|rust|go|javascript|typescript|markdown) %{
    set-option -add buffer lsp_servers %{
        [missy-lsp]
        root_globs = [".git"]
    }
}
