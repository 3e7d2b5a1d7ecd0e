" In your vimrc: Missy by vim-lsp, beside other servers.
augroup missy
  autocmd!
  autocmd User lsp_setup call lsp#register_server({
        \ 'name': 'missy',
        \ 'cmd': {server_info -> ['missy-lsp']},
        \ 'allowlist': ['*'],
        \ })
augroup END

" :MissyAsk what does this do?
command! -range -nargs=+ MissyAsk call lsp#send_request('missy', {
      \ 'method': 'workspace/executeCommand',
      \ 'params': {'command': 'missy.ask', 'arguments': [{
      \   'prompt': <q-args>,
      \   'textDocument': lsp#get_text_document_identifier(),
      \   'range': {'start': {'line': <line1> - 1, 'character': 0}, 'end': {'line': <line2> - 1, 'character': len(getline(<line2>))}},
      \ }]}})
