;;; missy.el --- Ask Claude about your code, review its changes -*- lexical-binding: t; -*-

;; Copyright (C) 2025 The Missy LSP authors

;; Author: The Missy LSP authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, convenience, languages
;; URL: https://github.com/missy-lsp/missy-lsp
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The client of the Missy language server, missy-lsp.  Prompts, routing and
;; keys stay in the server; this file is questions, an answer buffer and the
;; review of proposed changes.
;;
;;   M-x missy-ask        ask about the region, or about the place at point
;;   M-x missy-edit       change the region, or write code at point
;;   M-x missy-action     choose one of the server's actions
;;   M-x missy-explain    explain the code there
;;   M-x missy-diff       look at a proposed change
;;   M-x missy-accept, missy-discard, missy-retry
;;   M-x missy-stop, missy-providers, missy-last
;;
;; It speaks through lsp-mode or Eglot where one of them runs Missy for the
;; buffer.  Eglot has one server for a buffer; where that is another one, or
;; where there is no language client at all, Missy's server gets a connection
;; of its own, beside it.
;;
;; No key is bound.  To bind the whole map:
;;
;;   (global-set-key (kbd "C-c m") missy-command-map)

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'project)
(require 'seq)
(require 'subr-x)
(require 'url-parse)
(require 'url-util)

(defvar eglot--managed-mode)
(defvar eglot-confirm-server-edits)
(defvar eglot-confirm-server-initiated-edits)
(defvar eglot-server-programs)
(defvar flycheck-mode)
(defvar flymake-mode)
(defvar lsp--cur-workspace)
(defvar lsp-progress-function)
(declare-function eglot--TextDocumentIdentifier "ext:eglot")
(declare-function eglot--pos-to-lsp-position "ext:eglot")
(declare-function eglot--signal-textDocument/didChange "ext:eglot")
(declare-function eglot-current-server "ext:eglot")
(declare-function eglot--capabilities "ext:eglot")
(declare-function eglot-handle-notification "ext:eglot")
(declare-function eglot-handle-request "ext:eglot")
(declare-function flycheck-error-level "ext:flycheck")
(declare-function flycheck-error-message "ext:flycheck")
(declare-function flycheck-error-region-for-mode "ext:flycheck")
(declare-function flycheck-overlay-errors-in "ext:flycheck")
(declare-function flymake-diagnostic-beg "flymake")
(declare-function flymake-diagnostic-end "flymake")
(declare-function flymake-diagnostic-text "flymake")
(declare-function flymake-diagnostic-type "flymake")
(declare-function flymake-diagnostics "flymake")
(declare-function lsp--client-server-id "ext:lsp-mode")
(declare-function lsp--workspace-client "ext:lsp-mode")
(declare-function lsp--workspace-status "ext:lsp-mode")
(declare-function lsp-diagnostics "ext:lsp-mode")
(declare-function lsp-find-workspace "ext:lsp-mode")
(declare-function lsp-point-to-position "ext:lsp-mode")
(declare-function lsp-register-client "ext:lsp-mode")
(declare-function lsp-request-async "ext:lsp-mode")
(declare-function lsp-stdio-connection "ext:lsp-mode")
(declare-function lsp-text-document-identifier "ext:lsp-mode")
(declare-function lsp-workspaces "ext:lsp-mode")
(declare-function make-lsp-client "ext:lsp-mode")
(declare-function markdown-mode "ext:markdown-mode")

(defgroup missy nil
  "Ask Claude about code and review the changes that it proposes."
  :group 'tools
  :prefix "missy-")

(defcustom missy-server-command '("missy-lsp")
  "The server's program and its arguments.
A program without a directory is looked for in variable `exec-path', but
neither in its relative entries nor inside the project of the buffer.  Values
of directory-local and file-local variables are not obeyed."
  :type '(repeat string)
  :risky t)

(defcustom missy-lsp-modes '(prog-mode text-mode conf-mode)
  "Major modes in which `lsp-mode' starts Missy beside other servers."
  :type '(repeat symbol))

(defcustom missy-start-own-server t
  "Whether to start a server where neither Eglot nor `lsp-mode' runs one."
  :type 'boolean)

(defcustom missy-poll-interval 2
  "Seconds without news after which the server is asked for the result."
  :type 'number)

(defcustom missy-answer-buffer-action
  '((display-buffer-reuse-window display-buffer-in-direction)
    (direction . below) (window-height . 0.35) (inhibit-same-window . t))
  "How `display-buffer' shows answers; it never selects their window."
  :type 'sexp)

(defface missy-pending
  '((t :inherit highlight))
  "Code that a proposed change would replace.")

(defvar missy--runs nil "The requests to a model that have not ended.")
(defvar missy--count 0 "How many requests there were.")
(defvar missy--conversation nil
  "The last questions with their answers, for a follow-up, the latest first.")
(defconst missy--longest 10 "How many questions a follow-up takes along.")
(defvar missy--deciding 0 "How many changes are being applied by the user's word.")
(defvar missy--pending nil "The changes that wait for a decision, as plists.")

(defconst missy--wait 60
  "Seconds within which the server answers a command, applying included.")

(defconst missy--briefly 0.7
  "Seconds to wait for a list without a model's work.")

;;; The server's program

(defun missy--command ()
  "Return `missy-server-command' with an absolute program.
Signal a `user-error' where there is none that may be run."
  (let* ((command (default-toplevel-value 'missy-server-command))
         (program (car command)))
    (when (file-remote-p default-directory)
      (user-error "Missy runs on this computer only, not where %s is"
                  (file-remote-p default-directory)))
    (unless (and (stringp program) (seq-every-p #'stringp command))
      (user-error "Option `missy-server-command' is not a list of strings"))
    (cons (if (file-name-absolute-p program)
              (let ((path (expand-file-name program)))
                (unless (file-executable-p path)
                  (user-error "%s can't be run; see `missy-server-command'" path))
                path)
            (missy--find-program program))
          (cdr command))))

(defun missy--find-program (program)
  "Return the absolute file of PROGRAM on the path, outside the project."
  (when (file-name-directory program)
    (user-error "A program in `missy-server-command' is a name or absolute"))
  (let* ((root (missy--root))
         ;; A home folder under version control is no stranger's project.
         (foreign (unless (file-in-directory-p (expand-file-name "~") root) root))
         (folders (seq-remove
                   (lambda (folder)
                     (or (not (file-name-absolute-p folder))
                         (and foreign (file-in-directory-p folder foreign))))
                   exec-path))
         (found (locate-file program folders exec-suffixes #'file-executable-p)))
    (when (or (null found)
              (and foreign (file-in-directory-p (file-truename found)
                                                (file-truename foreign))))
      (user-error "There is no %s on the path outside this project; install it \
(uv tool install missy-lsp) or set `missy-server-command'" program))
    (expand-file-name found)))

(defun missy--root ()
  "Return the folder of the buffer's project."
  (let ((project (project-current)))
    (expand-file-name
     (if project
         (if (fboundp 'project-root) (project-root project) (cdr project))
       default-directory))))

;;;###autoload
(defun missy-eglot-contact (&rest _)
  "Return Missy's server in the form of `eglot-server-programs'.
Use it for modes that have no other server:
  (add-to-list \\='eglot-server-programs \\='(org-mode . missy-eglot-contact))"
  (missy--command))

(with-eval-after-load 'lsp-mode
  (let ((handlers (make-hash-table :test 'equal)))
    (puthash "$/progress" #'missy--lsp-progress handlers)
    (lsp-register-client
     (make-lsp-client
      :new-connection (lsp-stdio-connection
                       #'missy--command
                       (lambda () (ignore-errors (missy--command))))
      :activation-fn #'missy--lsp-activate-p
      :server-id 'missy
      :add-on? t
      :priority -5
      :notification-handlers handlers))))

(defun missy--lsp-activate-p (file mode)
  "Return whether `lsp-mode' should start Missy for FILE in MODE."
  (and file (apply #'provided-mode-derived-p mode missy-lsp-modes)))

(defun missy--lsp-progress (workspace params)
  "Take PARAMS of a `$/progress' notification of the WORKSPACE.
What is not the progress of a request of ours is left to `lsp-mode'."
  (let ((progress (missy--plain params)))
    (unless (missy--take-progress (plist-get progress :token)
                                  (plist-get progress :value))
      (funcall lsp-progress-function workspace params))))

(with-eval-after-load 'eglot
  (cl-defmethod eglot-handle-notification :around
    (_server (_method (eql '$/progress)) &key token value &allow-other-keys)
    "Take the progress of requests of ours; Eglot gets all the others."
    (unless (missy--take-progress token (missy--plain value))
      (cl-call-next-method)))

  (cl-defmethod eglot-handle-notification :around
    (server (_method (eql 'textDocument/publishDiagnostics))
            &key uri diagnostics &allow-other-keys)
    "Note which changes of Missy's wait, and show them as Eglot does."
    (missy--note-diagnostics (missy--connection-of 'eglot server)
                             uri (missy--plain diagnostics))
    (cl-call-next-method))

  (cl-defmethod eglot-handle-request :around
    (server (_method (eql 'workspace/applyEdit)) &key edit &allow-other-keys)
    "Don't ask once more about a change that the user has just accepted.
Send the text that comes of it at once: the server looks at it."
    (if (zerop missy--deciding)
        (cl-call-next-method)
      (prog1 (let ((eglot-confirm-server-initiated-edits nil)
                   (eglot-confirm-server-edits nil))
               (cl-call-next-method))
        (pcase-dolist (`(,uri . ,_) (missy--changes (missy--plain edit)))
          (when-let* ((file (missy--uri-file uri))
                      (buffer (find-buffer-visiting file)))
            (with-current-buffer buffer
              (when (eq server (eglot-current-server))
                (eglot--signal-textDocument/didChange)))))))))

;;; JSON

(defun missy--plain (value)
  "Return the JSON VALUE with objects as plists and false as nil.
Eglot gives plists, `lsp-mode' hash tables or plists."
  (cond ((hash-table-p value)
         (let (plist)
           (maphash (lambda (key element)
                      (push (if (keywordp key) key (intern (format ":%s" key))) plist)
                      (push (missy--plain element) plist))
                    value)
           (nreverse plist)))
        ((vectorp value) (cl-map 'vector #'missy--plain value))
        ((and (consp value) (keywordp (car value)))
         (cl-loop for (key element) on value by #'cddr
                  nconc (list key (missy--plain element))))
        ((consp value) (cl-map 'vector #'missy--plain value))
        ((memq value '(:json-false :null)) nil)
        (t value)))

(defun missy--get (object &rest keys)
  "Return what stands in the plist OBJECT below KEYS."
  (dolist (key keys object)
    (setq object (plist-get object key))))

(defun missy--object (plist)
  "Return PLIST as a JSON object; nil would be null."
  (or plist (make-hash-table :test 'equal)))

;;; Connections

(defun missy--keep (function sequence)
  "Return the results of FUNCTION on SEQUENCE that are not nil, as a list."
  (delq nil (mapcar function sequence)))

(cl-defstruct (missy--connection (:constructor missy--make-connection))
  "A way to a running server.
KIND is `eglot', `lsp' or `own'; OBJECT is the client's server object.
ROOT, READY, QUEUE and DOCUMENTS are those of a connection of our own:
QUEUE has functions that wait until it is READY, DOCUMENTS what was
opened, by buffer, as (VERSION TICK URI)."
  kind object root ready queue
  (documents (make-hash-table :test 'eq)))

(defvar missy--connections nil
  "The connections that were used.")

(defun missy--connection-of (kind object)
  "Return the connection of KIND with OBJECT, the same one each time."
  (or (seq-find (lambda (known)
                  (and (eq (missy--connection-kind known) kind)
                       (eq (missy--connection-object known) object)))
                missy--connections)
      (let ((new (missy--make-connection :kind kind :object object :ready t)))
        (push new missy--connections)
        new)))

(defun missy--live-p (connection)
  "Return whether CONNECTION leads to a running server."
  (let ((object (missy--connection-object connection)))
    (pcase (missy--connection-kind connection)
      ('lsp (eq (lsp--workspace-status object) 'initialized))
      (_ (jsonrpc-running-p object)))))

(defun missy--connect ()
  "Return the connection for the current buffer."
  (setq missy--connections (seq-filter #'missy--live-p missy--connections))
  (or (missy--lsp-connection)
      (missy--eglot-connection)
      (unless (missy--document-p) (car missy--connections))
      (if missy-start-own-server
          (missy--own-connection)
        (user-error "Neither Eglot nor lsp-mode runs Missy here; start it there, \
or turn on `missy-start-own-server'"))))

(defun missy--lsp-connection ()
  "Return `lsp-mode's connection to Missy for this buffer, if there is one."
  (when (bound-and-true-p lsp-mode)
    (when-let* ((workspace
                (seq-find (lambda (workspace)
                            (and (eq 'missy (lsp--client-server-id
                                             (lsp--workspace-client workspace)))
                                 (eq 'initialized (lsp--workspace-status workspace))))
                          (lsp-workspaces))))
      (missy--connection-of 'lsp workspace))))

(defun missy--eglot-connection ()
  "Return Eglot's connection for this buffer if its server knows our commands."
  (when (and (bound-and-true-p eglot--managed-mode) (fboundp 'eglot-current-server))
    (when-let* ((server (eglot-current-server))
                (commands (missy--get (missy--plain (eglot--capabilities server))
                                      :executeCommandProvider :commands))
                ((seq-contains-p commands "missy.ask")))
      (missy--connection-of 'eglot server))))

(defun missy--request (connection command argument success failure)
  "Send COMMAND with the plist ARGUMENT over CONNECTION; return at once.
SUCCESS is called with the result, or FAILURE with a plist that has at
least a `:message'."
  (let* ((params (list :command command :arguments (vector (missy--object argument))))
         (object (missy--connection-object connection))
         (take (lambda (result) (funcall success (missy--plain result))))
         (fail (lambda (problem)
                 (let ((problem (missy--plain problem)))
                   (funcall failure
                            (if (stringp (plist-get problem :message))
                                problem
                              (list :message (format "%s" problem))))))))
    (condition-case problem
        (if (eq (missy--connection-kind connection) 'lsp)
            (let ((lsp--cur-workspace object))
              (lsp-request-async "workspace/executeCommand" params take
                                 :error-handler fail :mode 'detached))
          (missy--when-ready
           connection
           (lambda ()
             (jsonrpc-async-request
              object :workspace/executeCommand params
              :timeout missy--wait :success-fn take :error-fn fail
              :timeout-fn (lambda ()
                            (funcall fail '(:message "The server does not answer")))))))
      ((error) (funcall fail (list :message (error-message-string problem)))))))

(defun missy--soon (connection command argument use)
  "Call USE with the result of COMMAND with ARGUMENT, which needs no model.
It mostly comes before the user could have typed on, so wait for it, for
`missy--briefly' at the most; what comes over CONNECTION later is used
as soon as no other question is open."
  (let* ((buffer (current-buffer))
         (deadline (+ (float-time) missy--briefly))
         (waitp t)
         outcome)
    (missy--request
     connection command argument
     (lambda (result)
       (if waitp (setq outcome (list result))
         (missy--later buffer use result)))
     (lambda (problem)
       (setq waitp nil)
       (message "%s" (missy--named (plist-get problem :message)))))
    (while (and waitp (null outcome) (< (float-time) deadline))
      (accept-process-output nil 0.02))
    (cond (outcome (funcall use (car outcome)))
          (waitp (setq waitp nil)
                 (message "Missy: the server is starting…")))))

(defun missy--later (buffer use result)
  "Call USE with RESULT in BUFFER once no minibuffer is open."
  (if (active-minibuffer-window)
      (run-at-time 1 nil #'missy--later buffer use result)
    (run-at-time 0 nil (lambda ()
                         (when (buffer-live-p buffer)
                           (with-current-buffer buffer (funcall use result)))))))

(defun missy--sentence (problem)
  "Return the sentence of PROBLEM, the error of a request."
  (string-remove-suffix "." (plist-get problem :message)))

(defun missy--document (connection)
  "Return the identifier of this buffer's document, as CONNECTION names it.
The server knows the text as it stands now after this."
  (pcase (missy--connection-kind connection)
    ('lsp (missy--plain (lsp-text-document-identifier)))
    ('eglot (eglot--signal-textDocument/didChange)
            (eglot--TextDocumentIdentifier))
    (_ (missy--own-sync connection (current-buffer))
       (list :uri (missy--uri (current-buffer))))))

(defun missy--position (connection position)
  "Return POSITION of this buffer as CONNECTION counts."
  (pcase (missy--connection-kind connection)
    ('lsp (lsp-point-to-position position))
    ('eglot (eglot--pos-to-lsp-position position))
    (_ (save-restriction
         (widen)
         (save-excursion
           (goto-char position)
           ;; The connection counts in utf-32, which are Emacs' characters.
           (list :line (1- (line-number-at-pos))
                 :character (- (point) (line-beginning-position))))))))

(defun missy--range (connection beg end)
  "Return the range from BEG to END as CONNECTION counts."
  (list :start (missy--position connection beg)
        :end (missy--position connection end)))

(defun missy--target (connection)
  "Return the document and the region, or the place at point, over CONNECTION.
Nil in a buffer that is no document."
  (when (pcase (missy--connection-kind connection)
          ('lsp (eq connection (missy--lsp-connection)))
          ('eglot (eq connection (missy--eglot-connection)))
          (_ (missy--document-p)))
    (let ((regionp (use-region-p)))
      (list :textDocument (missy--document connection)
            :range (missy--range connection
                                 (if regionp (region-beginning) (point))
                                 (if regionp (region-end) (point)))))))

(defun missy--document-p ()
  "Return whether this buffer can be asked about."
  (not (or (minibufferp)
           (string-prefix-p " " (buffer-name))
           (derived-mode-p 'special-mode 'comint-mode 'dired-mode)
           (string-match-p "\\`\\*Missy" (buffer-name)))))

;;; A connection of our own, beside other clients

(defun missy--own-connection ()
  "Return the connection of our own for this project; start it where needed."
  (let ((root (missy--root)))
    (or (seq-find (lambda (known) (equal (missy--connection-root known) root))
                  missy--connections)
        (let ((connection (missy--make-connection :kind 'own :root root)))
          (setf (missy--connection-object connection)
                (missy--own-process connection (missy--command) root))
          (push connection missy--connections)
          (missy--own-initialize connection)
          connection))))

(defun missy--own-process (connection command root)
  "Start COMMAND in ROOT; return the JSON-RPC object for CONNECTION."
  (make-instance
   'jsonrpc-process-connection
   :name "Missy"
   :events-buffer-scrollback-size 0
   :process (lambda ()
              (let ((default-directory root))
                (make-process :name "missy-lsp" :command command
                              :connection-type 'pipe :coding 'utf-8-emacs-unix
                              :noquery t
                              :stderr (get-buffer-create "*Missy stderr*"))))
   :notification-dispatcher
   (lambda (_ method params) (missy--own-notification connection method params))
   :request-dispatcher
   (lambda (_ method params) (missy--own-request connection method params))
   :on-shutdown (lambda (_) (missy--own-ended connection))))

(defun missy--own-initialize (connection)
  "Introduce the editor over CONNECTION, then send what waits."
  (let* ((root (missy--connection-root connection))
         (uri (missy--file-uri root)))
    (jsonrpc-async-request
     (missy--connection-object connection) :initialize
     (list :processId (emacs-pid)
           :clientInfo (list :name "missy.el" :version emacs-version)
           :rootUri uri
           :workspaceFolders (vector (list :uri uri :name (file-name-nondirectory
                                                           (directory-file-name root))))
           :capabilities
           '( :general (:positionEncodings ["utf-32"])
              :workspace (:applyEdit t :workspaceEdit (:documentChanges t)
                                     :workspaceFolders t)
              :window (:showDocument (:support t)
                                     :showMessage (:messageActionItem
                                                   (:additionalPropertiesSupport :json-false)))
              :textDocument (:publishDiagnostics (:dataSupport t))))
     :timeout missy--wait
     :success-fn (lambda (_)
                   (jsonrpc-notify (missy--connection-object connection)
                                   :initialized (missy--object nil))
                   (setf (missy--connection-ready connection) t)
                   (dolist (waiting (nreverse (missy--connection-queue connection)))
                     (funcall waiting))
                   (setf (missy--connection-queue connection) nil))
     :error-fn (lambda (problem) (message "Missy: %s" (plist-get problem :message)))
     :timeout-fn (lambda () (message "Missy: the server does not start")))))

(defun missy--when-ready (connection action)
  "Call ACTION now, or as soon as CONNECTION is ready."
  (if (missy--connection-ready connection)
      (funcall action)
    (push action (missy--connection-queue connection))))

(defun missy--own-ended (connection)
  "Clear up after CONNECTION, whose server has ended."
  (setq missy--connections (delq connection missy--connections))
  (setq missy--pending (seq-remove (lambda (edit)
                                     (eq (plist-get edit :connection) connection))
                                   missy--pending))
  (maphash (lambda (buffer _)
             (when (buffer-live-p buffer)
               (with-current-buffer buffer
                 (remove-overlays (point-min) (point-max) 'category 'missy-pending))))
           (missy--connection-documents connection))
  (missy--fail-runs connection))

(defun missy-shutdown ()
  "End the servers of our own; they start again when they are needed."
  (interactive)
  (dolist (connection (seq-filter (lambda (known)
                                    (eq (missy--connection-kind known) 'own))
                                  missy--connections))
    (let ((object (missy--connection-object connection)))
      (jsonrpc-async-request object :shutdown nil
                             :success-fn (lambda (_) (jsonrpc-notify object :exit nil))))))

(defun missy--file-uri (file)
  "Return the URI of FILE."
  (let ((path (file-truename file)))
    (concat "file://"
            (url-hexify-string (if (eq (aref path 0) ?/) path (concat "/" path))
                               (cons ?/ url-unreserved-chars)))))

(defun missy--uri (buffer)
  "Return the URI of BUFFER's document; one without a file is untitled."
  (let ((file (buffer-file-name (or (buffer-base-buffer buffer) buffer))))
    (if file
        (missy--file-uri file)
      (concat "untitled:" (url-hexify-string (buffer-name buffer))))))

(defun missy--uri-file (uri)
  "Return the local file of URI, nil where it is none."
  (when (string-prefix-p "file://" uri)
    (let ((path (decode-coding-string
                 (url-unhex-string (url-filename (url-generic-parse-url uri)))
                 'utf-8)))
      (if (string-match "\\`/\\([a-zA-Z]:.*\\)" path) (match-string 1 path) path))))

(defun missy--own-buffer (connection uri)
  "Return the buffer that was opened as URI over CONNECTION."
  (let ((documents (missy--connection-documents connection)))
    (seq-find (lambda (buffer) (and (buffer-live-p buffer)
                                    (equal uri (nth 2 (gethash buffer documents)))))
              (hash-table-keys documents))))

(defun missy--own-sync (connection buffer)
  "Let the server at the end of CONNECTION know the text of BUFFER."
  (missy--when-ready
   connection
   (lambda ()
     (when (buffer-live-p buffer)
       (with-current-buffer buffer
         (missy--own-sync-now connection))))))

(defun missy--own-sync-now (connection)
  "Open this buffer's document over CONNECTION, or send its text anew."
  (let* ((documents (missy--connection-documents connection))
         (object (missy--connection-object connection))
         (uri (missy--uri (current-buffer)))
         (known (gethash (current-buffer) documents))
         (tick (buffer-chars-modified-tick)))
    (when (and known (not (equal uri (nth 2 known))))
      ;; It was saved under another name: another document to the server.
      (missy--own-forget connection)
      (setq known nil))
    (cond ((null known)
           (puthash (current-buffer) (list 0 tick uri) documents)
           (add-hook 'kill-buffer-hook #'missy--own-close nil t)
           (jsonrpc-notify object :textDocument/didOpen
                           (list :textDocument
                                 (list :uri uri :version 0 :text (missy--text)
                                       :languageId (missy--language-id)))))
          ((/= tick (nth 1 known))
           (setf (nth 0 known) (1+ (nth 0 known)) (nth 1 known) tick)
           (jsonrpc-notify object :textDocument/didChange
                           (list :textDocument (list :uri uri :version (nth 0 known))
                                 :contentChanges (vector (list :text (missy--text)))))))))

(defun missy--text ()
  "Return the whole text of this buffer.
A byte that is no character is one in it too: JSON can't have the byte,
and so every other character keeps its place."
  (save-restriction
    (widen)
    (let ((text (buffer-substring-no-properties (point-min) (point-max))))
      (if (multibyte-string-p text)
          (replace-regexp-in-string (format "[%c-%c]" #x3fff80 #x3fffff) "\uFFFD" text)
        (decode-coding-string text 'latin-1)))))

(defun missy--own-forget (connection)
  "Close this buffer's document over CONNECTION."
  (let* ((documents (missy--connection-documents connection))
         (known (gethash (current-buffer) documents)))
    (remhash (current-buffer) documents)
    (when (missy--live-p connection)
      (jsonrpc-notify (missy--connection-object connection) :textDocument/didClose
                      (list :textDocument (list :uri (nth 2 known)))))))

(defun missy--own-close ()
  "Close this buffer's document wherever it was opened."
  (dolist (connection missy--connections)
    (when (gethash (current-buffer) (missy--connection-documents connection))
      (missy--own-forget connection))))
;; A change of the major mode takes local hooks away; the document stays open.
(put 'missy--own-close 'permanent-local-hook t)

(defconst missy--language-ids
  '((c++ . "cpp") (cperl . "perl") (csharp . "csharp") (emacs-lisp . "emacs-lisp")
    (js . "javascript") (js2 . "javascript") (js-jsx . "javascriptreact")
    (mhtml . "html") (nxml . "xml") (sh . "shellscript") (bash . "shellscript")
    (tsx . "typescriptreact") (gfm . "markdown") (latex . "latex"))
  "Language ids of major modes whose name is another one.")

(defun missy--language-id ()
  "Return the language id of this buffer."
  (let ((name (string-remove-suffix
               "-ts" (string-remove-suffix "-mode" (symbol-name major-mode)))))
    (or (cdr (assq (intern name) missy--language-ids)) name)))

(defun missy--own-notification (connection method params)
  "Take the notification METHOD with PARAMS from CONNECTION."
  (let ((params (missy--plain params)))
    (pcase method
      ('$/progress
       (missy--take-progress (plist-get params :token) (plist-get params :value)))
      ('textDocument/publishDiagnostics
       (missy--note-diagnostics connection (plist-get params :uri)
                                (plist-get params :diagnostics))
       (missy--own-mark connection (plist-get params :uri)))
      ('window/showMessage
       (message "%s" (missy--named (plist-get params :message)))))))

(defun missy--named (text)
  "Return TEXT with our name before it."
  (if (string-prefix-p "Missy" text) text (concat "Missy: " text)))

(defun missy--own-request (connection method params)
  "Return the answer to the server's request METHOD with PARAMS over CONNECTION."
  (let ((plain (missy--plain params)))
    (pcase method
      ('workspace/applyEdit (missy--own-apply connection (plist-get plain :edit)))
      ('workspace/configuration
       (make-vector (length (plist-get plain :items)) nil))
      ('workspace/workspaceFolders nil)
      ('window/showDocument (missy--own-show plain))
      ('window/showMessageRequest (missy--own-question plain))
      ((or 'window/workDoneProgress/create 'client/registerCapability
           'client/unregisterCapability)
       nil)
      (_ (jsonrpc-error :code -32601 :message (format "Unknown method %s" method))))))

(defun missy--own-show (params)
  "Show the document of PARAMS without going there."
  (let ((file (missy--uri-file (plist-get params :uri))))
    (if (or (null file) (plist-get params :external) (not (file-readable-p file)))
        '(:success :json-false)
      ;; What a model wrote sets no variables here.
      (let ((enable-local-variables nil))
        (display-buffer (find-file-noselect file) missy-answer-buffer-action))
      '(:success t))))

(defun missy--own-question (params)
  "Ask the question in PARAMS; nil is no answer."
  (let ((titles (mapcar (lambda (action) (plist-get action :title))
                        (plist-get params :actions))))
    (unless (or noninteractive (null titles) (active-minibuffer-window))
      (let ((chosen (condition-case nil
                        (completing-read (concat (missy--named (plist-get params :message))
                                                 " ")
                                         titles nil t)
                      (quit ""))))
        (unless (string-empty-p chosen) (list :title chosen))))))

(defun missy--own-apply (connection edit)
  "Apply the workspace EDIT that came over CONNECTION as one undo step."
  (condition-case problem
      (progn
        (dolist (change (missy--changes edit))
          (missy--own-change connection change))
        '(:applied t))
    ((error) (list :applied :json-false
                   :failureReason (error-message-string problem)))))

(defun missy--changes (edit)
  "Return a workspace EDIT as a list of (URI VERSION EDITS)."
  (if-let* ((changes (plist-get edit :documentChanges)))
      (mapcar (lambda (change)
                (list (missy--get change :textDocument :uri)
                      (missy--get change :textDocument :version)
                      (plist-get change :edits)))
              changes)
    (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
             collect (list (substring (symbol-name uri) 1) nil edits))))

(defun missy--own-change (connection change)
  "Apply CHANGE, a (URI VERSION EDITS), over CONNECTION.
Signal an error where the document is not the one it was made for."
  (pcase-let* ((`(,uri ,version ,edits) change)
               (buffer (or (missy--own-buffer connection uri)
                           (error "The document is not open")))
               (known (gethash buffer (missy--connection-documents connection))))
    (with-current-buffer buffer
      (unless (= (buffer-chars-modified-tick) (nth 1 known))
        (missy--own-sync-now connection)
        (error "The document has changed"))
      (unless (memql version (list nil (nth 0 known)))
        (error "The document has version %s, not %s" (nth 0 known) version))
      (barf-if-buffer-read-only)
      (undo-boundary)
      (atomic-change-group
        (missy--replace-all edits))
      (undo-boundary)
      (missy--own-sync-now connection))))

(defun missy--replace-all (edits)
  "Make the text EDITS in this buffer, which all speak of the same text."
  (save-excursion
    (save-restriction
      (widen)
      (let ((places (mapcar (lambda (edit)
                              (list (missy--point (missy--get edit :range :start))
                                    (missy--point (missy--get edit :range :end))
                                    (plist-get edit :newText)))
                            edits)))
        (pcase-dolist (`(,beg ,end ,text)
                       (nreverse (cl-stable-sort places #'< :key #'car)))
          (goto-char beg)
          (delete-region beg end)
          (insert text))))))

(defun missy--point (position)
  "Return where POSITION, in utf-32, is in this widened buffer."
  (save-excursion
    (goto-char (point-min))
    (forward-line (plist-get position :line))
    (min (+ (point) (plist-get position :character)) (line-end-position))))

(defun missy--own-mark (connection uri)
  "Mark what waits in the document URI of CONNECTION."
  (when-let* ((buffer (missy--own-buffer connection uri)))
    (with-current-buffer buffer
      (save-restriction
        (widen)
        (remove-overlays (point-min) (point-max) 'category 'missy-pending)
        (dolist (edit missy--pending)
          (when (and (equal uri (plist-get edit :uri)) (plist-get edit :range))
            (let ((overlay (make-overlay (missy--point (missy--get edit :range :start))
                                         (missy--point (missy--get edit :range :end)))))
              (overlay-put overlay 'category 'missy-pending)
              (overlay-put overlay 'face 'missy-pending)
              (overlay-put overlay 'help-echo (plist-get edit :message)))))))))

;;; Requests to a model

(cl-defstruct (missy--run (:constructor missy--make-run))
  "A request to a model.
SHOWSP says whether its text goes into the answer buffer, where END is
the end of its part.  NEWS is when something was last heard of it,
PIECES its text so far, the latest piece first."
  token id connection title question showsp pieces (state "asking…")
  model tier end news timer donep finish earlier)

(defun missy--start (connection command argument title question showsp finish)
  "Start COMMAND with ARGUMENT over CONNECTION and follow its stream.
TITLE and QUESTION name it, SHOWSP says whether its text is shown as it
comes.  FINISH is called with the Answer at the end, if there is one."
  (let* ((token (format "missy-el-%d-%d" (emacs-pid) (cl-incf missy--count)))
         (run (missy--make-run :token token :connection connection :title title
                               :question question :showsp showsp :finish finish
                               :news (float-time))))
    (push run missy--runs)
    (if showsp
        (missy--open-answer run)
      (message "Missy: %s… (M-x missy-stop)" title))
    ;; Nothing waits for the answer: Eglot and `lsp-mode' give a command ten
    ;; seconds, during which Emacs would stand still.
    (missy--request
     connection command
     (append argument (list :wait :json-false :partialResultToken token))
     (lambda (result)
       (setf (missy--run-id run) (plist-get result :id)
             (missy--run-timer run)
             (run-with-timer missy-poll-interval missy-poll-interval
                             #'missy--poll run)))
     (lambda (problem) (missy--failed run problem)))
    run))

(defun missy--take-progress (token value)
  "Take the partial result VALUE for TOKEN; return whether it is ours."
  (when-let* ((run (seq-find (lambda (run) (equal (missy--run-token run) token))
                            missy--runs)))
    (setf (missy--run-news run) (float-time))
    (pcase (plist-get value :kind)
      ("start"
       (setf (missy--run-id run) (plist-get value :id)
             (missy--run-model run) (plist-get value :model)
             (missy--run-tier run) (plist-get value :tier))
       (missy--say run "waiting…"))
      ("text"
       (let ((text (plist-get value :text)))
         (push text (missy--run-pieces run))
         (when (missy--run-showsp run)
           (missy--append run text)))
       (missy--say run "answering…"))
      ("thinking" (missy--say run "thinking…"))
      ("tool" (missy--say run (format "%s" (plist-get value :summary))))
      ("retry" (missy--say run (format "trying again in %s s: %s"
                                       (plist-get value :inSeconds)
                                       (plist-get value :reason))))
      ("end" (missy--fetch run)))
    t))

(defun missy--say (run state)
  "Show STATE as what RUN is doing."
  (unless (equal state (missy--run-state run))
    (setf (missy--run-state run) state)
    (unless (missy--run-showsp run)
      (message "Missy: %s: %s" (missy--run-title run) state))
    (missy--header run)))

(defun missy--poll (run)
  "Ask for what became of RUN where there was no news for a while."
  (when (and (not (missy--run-donep run))
             (> (- (float-time) (missy--run-news run)) missy-poll-interval))
    (setf (missy--run-news run) (float-time))
    (missy--fetch run)))

(defun missy--fetch (run)
  "Ask for the answer of RUN."
  (missy--request
   (missy--run-connection run) "missy.result" (list :id (missy--run-id run))
   (lambda (answer) (missy--answered run answer))
   (lambda (problem)
     ;; Still running: the timer asks again.
     (unless (and (equal (missy--get problem :data :kind) "invalid_request")
                  (missy--get problem :data :retryable))
       (missy--failed run problem)))))

(defun missy--close-run (run)
  "Count RUN as ended; return nil if it was that before."
  (unless (missy--run-donep run)
    (setf (missy--run-donep run) t)
    (setq missy--runs (delq run missy--runs))
    (when (missy--run-timer run)
      (cancel-timer (missy--run-timer run)))
    t))

(defun missy--answered (run answer)
  "End RUN with ANSWER."
  (when (missy--close-run run)
    (setf (missy--run-state run) (missy--footer answer))
    (when (missy--run-showsp run)
      (let ((missing (string-remove-prefix
                      (apply #'concat (reverse (missy--run-pieces run)))
                      (plist-get answer :text))))
        (missy--append run missing))
      (missy--append run (format "\n\n*%s*\n" (missy--footer answer))))
    (unless (string-blank-p (plist-get answer :text))
      (setq missy--conversation
            (cons (cons (missy--run-question run) (plist-get answer :text))
                  (seq-take (missy--run-earlier run) (1- missy--longest)))))
    (missy--header run)
    (cond ((and (missy--run-finish run)
                (or (plist-get answer :edit) (not (missy--run-showsp run))))
           (funcall (missy--run-finish run) answer))
          ((not (get-buffer-window "*Missy*" 'visible))
           (message "Missy: %s: the answer is in the buffer *Missy*"
                    (missy--run-title run))))))

(defun missy--failed (run problem)
  "End RUN with PROBLEM."
  (when (missy--close-run run)
    (let ((sentence (plist-get problem :message)))
      (setf (missy--run-state run) "failed")
      (when (missy--run-showsp run)
        (missy--append run (format "\n\n*%s*\n" sentence)))
      (missy--header run)
      (message "%s" (missy--named sentence)))))

(defun missy--fail-runs (connection)
  "End all requests over CONNECTION, whose server has ended."
  (dolist (run missy--runs)
    (when (eq (missy--run-connection run) connection)
      (missy--failed run '(:message "The server has ended; ask again to start it.")))))

(defun missy--footer (answer)
  "Return model, tier, tokens, price and state of ANSWER on one line."
  (let ((tokens (seq-reduce (lambda (sum key)
                              (+ sum (or (missy--get answer :usage key) 0)))
                            '(:inputTokens :outputTokens :cacheReadTokens
                                           :cacheCreationTokens)
                            0)))
    (format "%s · %s · %d tokens · $%.4f%s"
            (plist-get answer :model) (plist-get answer :tier) tokens
            (or (missy--get answer :usage :costUsd) 0)
            (if (plist-get answer :complete) ""
              (format " · incomplete (%s)" (plist-get answer :stopReason))))))

;;; The answer buffer

(defvar missy-answer-minor-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-k") #'missy-stop)
    (define-key map (kbd "C-c C-f") #'missy-follow-up)
    (define-key map "q" #'quit-window)
    map)
  "Keys of the answer buffer.")

(define-minor-mode missy-answer-minor-mode
  "Keys of the buffer with Missy's answers."
  :keymap missy-answer-minor-mode-map)

(defun missy--answer-buffer ()
  "Return the answer buffer."
  (or (get-buffer "*Missy*")
      (with-current-buffer (get-buffer-create "*Missy*")
        (buffer-disable-undo)
        (if (require 'markdown-mode nil t) (markdown-mode) (text-mode))
        (visual-line-mode)
        (missy-answer-minor-mode)
        (setq buffer-read-only t)
        (current-buffer))))

(defun missy--open-answer (run)
  "Begin a part for RUN in the answer buffer and show it."
  (with-current-buffer (missy--answer-buffer)
    (let ((inhibit-read-only t)
          (heading (replace-regexp-in-string "[ \t\n]+" " " (missy--run-question run)))
          beginning)
      (save-excursion
        (goto-char (point-max))
        (unless (bobp) (insert "\n"))
        (setq beginning (point))
        (insert "# " heading "\n\n")
        ;; What others insert there later comes after it.
        (setf (missy--run-end run) (point-marker)))
      (let ((window (display-buffer (current-buffer) missy-answer-buffer-action)))
        (goto-char (point-max))
        (when window
          (set-window-point window (point-max))
          (set-window-start window beginning t)))))
  (missy--header run))

(defun missy--append (run text)
  "Append TEXT to the part of RUN; a window at the end stays at the end."
  (when-let* ((end (missy--run-end run))
              (buffer (marker-buffer end)))
    (with-current-buffer buffer
      (let* ((inhibit-read-only t)
             (at-end (seq-filter (lambda (window)
                                   (= (window-point window) (point-max)))
                                 (get-buffer-window-list buffer nil t)))
             (pointp (= (point) (point-max))))
        (save-excursion
          (goto-char end)
          (insert text)
          (set-marker end (point)))
        (when pointp (goto-char (point-max)))
        (dolist (window at-end)
          (set-window-point window (point-max)))))))

(defun missy--header (run)
  "Show what RUN is doing above the answers."
  (when-let* ((buffer (and (missy--run-showsp run) (get-buffer "*Missy*"))))
    (with-current-buffer buffer
      (setq header-line-format
            (replace-regexp-in-string
             "%" "%%"
             (concat " " (missy--run-title run)
                     (if (and (missy--run-model run) (not (missy--run-donep run)))
                         (format " · %s · %s" (missy--run-model run) (missy--run-tier run))
                       "")
                     " · " (missy--run-state run)
                     (if (missy--run-donep run) ""
                       (substitute-command-keys " · \\<missy-answer-minor-mode-map>\
\\[missy-stop] stops"))))))
    (force-mode-line-update)))

;;; Changes that wait

(defun missy--note-diagnostics (connection uri diagnostics)
  "Note from the DIAGNOSTICS of URI over CONNECTION what waits there."
  (let ((found (missy--keep
                (lambda (diagnostic) (missy--pending-of connection uri diagnostic))
                diagnostics)))
    (setq missy--pending
          (append found
                  (seq-remove (lambda (edit)
                                (and (eq connection (plist-get edit :connection))
                                     (equal uri (plist-get edit :uri))))
                              missy--pending)))))

(defun missy--pending-of (connection uri diagnostic)
  "Return the change behind DIAGNOSTIC of URI over CONNECTION, or nil."
  (when (and (equal (plist-get diagnostic :source) "missy")
             (equal (plist-get diagnostic :code) "pending-edit"))
    (list :id (missy--get diagnostic :data :id) :uri uri :connection connection
          :range (plist-get diagnostic :range)
          :message (plist-get diagnostic :message))))

(defun missy--note-lsp-diagnostics ()
  "Note what waits in all documents of `lsp-mode'."
  (when-let* (((fboundp 'lsp-find-workspace))
              (workspace (or (when-let* ((here (missy--lsp-connection)))
                               (missy--connection-object here))
                             (lsp-find-workspace 'missy)))
              (connection (missy--connection-of 'lsp workspace)))
    (maphash (lambda (file diagnostics)
               (missy--note-diagnostics connection (missy--file-uri file)
                                        (missy--plain (vconcat diagnostics))))
             (lsp-diagnostics))))

(defun missy--take-edit (run answer)
  "Tell what the change in the ANSWER of RUN came to."
  (let ((edit (plist-get answer :edit)))
    (pcase (plist-get edit :status)
      ((guard (plist-member edit :files))
       (missy--take-files (missy--run-connection run) answer))
      ("pending"
       (missy--forget (plist-get edit :id))
       (push (list :id (plist-get edit :id) :uri (plist-get edit :uri)
                   :range (plist-get edit :range)
                   :message (format "Missy proposes a change (%s)" (missy--run-title run))
                   :connection (missy--run-connection run))
             missy--pending)
       (message "Missy: %s is ready at line %d%s: M-x missy-diff, missy-accept or \
missy-discard" (missy--run-title run) (1+ (missy--get edit :range :start :line))
                (missy--warnings edit)))
      ("applied" (message "Missy: %s is applied%s" (missy--run-title run)
                          (missy--warnings edit)))
      ('nil (message "Missy: %s ended without a change (%s)" (missy--run-title run)
                     (plist-get answer :stopReason)))
      (_ (message "Missy: %s: %s" (missy--run-title run)
                  (or (plist-get edit :message) (plist-get edit :status)))))))

(defun missy--warnings (edit)
  "Return the warnings of EDIT in brackets, or nothing."
  (let ((warnings (append (plist-get edit :warnings) nil)))
    (if warnings (format " (%s)" (string-join warnings "; ")) "")))

(defun missy--forget (id)
  "Forget the pending change with ID, and a change of files that has no other one."
  (let* ((named-p (lambda (edit) (equal id (plist-get edit :id))))
         (group (seq-find named-p missy--pending)))
    (setq missy--pending
          (missy--keep
           (lambda (edit)
             (let* ((files (plist-get edit :files))
                    (left (seq-remove named-p files)))
               (cond ((or (funcall named-p edit)
                          (seq-find (lambda (file) (equal (plist-get edit :id)
                                                          (plist-get file :id)))
                                    (plist-get group :files)))
                      nil)
                     ((null files) edit)
                     (left (plist-put (copy-sequence edit) :files left)))))
           missy--pending)))
  (when-let* ((buffer (get-buffer "*Missy diff*")))
    (when (equal id (buffer-local-value 'missy--shown-id buffer))
      (if-let* ((window (get-buffer-window buffer t)))
          (quit-window t window)
        (kill-buffer buffer)))))

(defvar-local missy--shown-id nil "The id of the change that this buffer shows.")

(defun missy--choose-pending ()
  "Return the change that is meant: the shown one, the one here, or a chosen one."
  (missy--note-lsp-diagnostics)
  (let* ((here (seq-filter (lambda (edit) (missy--here-p edit nil)) missy--pending))
         (at-point (seq-filter (lambda (edit) (missy--here-p edit t)) here)))
    ;; One file of a change of several is asked about, lest half of it be taken for the whole.
    (cond (missy--shown-id
           (or (seq-find (lambda (edit) (equal missy--shown-id (plist-get edit :id)))
                         missy--pending)
               (user-error "This change waits no longer")))
          ((null missy--pending) (user-error "No change waits for a decision"))
          ((null (cdr missy--pending)) (car missy--pending))
          ((and at-point (null (cdr at-point))) (car at-point))
          ((and here (null (cdr here))) (car here))
          (t (missy--read-pending (or at-point here missy--pending))))))

(defun missy--here-p (edit at-point-p)
  "Return whether EDIT is in this buffer; with AT-POINT-P, around point.
A change of several files is around every place of each of them."
  (let ((line (1- (line-number-at-pos nil t))))
    (and (seq-find #'missy--uri-here-p (missy--edit-uris edit))
         (or (not at-point-p)
             (plist-member edit :files)
             (<= (missy--get edit :range :start :line) line
                 (missy--get edit :range :end :line))))))

(defun missy--edit-uris (edit)
  "Return the URIs of the documents that EDIT would change."
  (if (plist-member edit :files)
      (mapcar (lambda (file) (plist-get file :uri)) (plist-get edit :files))
    (list (plist-get edit :uri))))

(defun missy--uri-here-p (uri)
  "Return whether URI is that of this buffer."
  (let ((file (missy--uri-file uri)))
    (if file
        (and buffer-file-name (file-equal-p file buffer-file-name))
      (equal uri (missy--uri (current-buffer))))))

(defun missy--pending-label (edit)
  "Return the words to choose EDIT by."
  (let ((uri (plist-get edit :uri)))
    (concat (unless (plist-member edit :files)
              (format "%s:%d " (file-name-nondirectory (or (missy--uri-file uri) uri))
                      (1+ (missy--get edit :range :start :line))))
            (format "%s [%s]" (plist-get edit :message)
                    (substring (plist-get edit :id) 0 4)))))

(defun missy--read-pending (edits)
  "Let the user choose one of EDITS."
  (let ((labels (mapcar (lambda (edit) (cons (missy--pending-label edit) edit)) edits)))
    (cdr (assoc (completing-read "Which change: " labels nil t) labels))))

(defun missy--decide (edit command argument done)
  "Send COMMAND with ARGUMENT for EDIT; call DONE with its result."
  (let* ((connection (plist-get edit :connection))
         (id (plist-get edit :id)))
    ;; The server has to see the text that is about to change as it stands.
    (dolist (buffer (missy--edit-buffers edit))
      (with-current-buffer buffer
        (undo-boundary)
        (missy--document connection)))
    (cl-incf missy--deciding)
    (missy--request
     connection command (append (list :id id) argument)
     (lambda (result)
       (cl-decf missy--deciding)
       (funcall done result))
     (lambda (problem)
       (cl-decf missy--deciding)
       (unless (missy--get problem :data :retryable)
         (missy--forget id))
       (message "%s" (missy--named (missy--sentence problem)))))))

(defun missy--edit-buffers (edit)
  "Return the buffers that EDIT would change."
  (missy--keep (lambda (uri)
                 (let ((file (missy--uri-file uri)))
                   (if file
                       (find-buffer-visiting file)
                     (missy--own-buffer (plist-get edit :connection) uri))))
               (missy--edit-uris edit)))

(defvar missy-diff-minor-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'missy-accept)
    (define-key map (kbd "C-c C-k") #'missy-discard)
    (define-key map (kbd "C-c C-r") #'missy-retry)
    map)
  "Keys of the buffer that shows a proposed change.")

(define-minor-mode missy-diff-minor-mode
  "Keys of the buffer that shows a proposed change."
  :keymap missy-diff-minor-mode-map)

(defun missy--show-diff (edit)
  "Show the diff of EDIT in a buffer of its own."
  (with-current-buffer (get-buffer-create "*Missy diff*")
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (or (plist-get edit :diff)
                  (mapconcat (lambda (file) (plist-get file :diff))
                             (plist-get edit :files) "")))
      (goto-char (point-min)))
    (diff-mode)
    (missy-diff-minor-mode)
    (setq buffer-read-only t
          missy--shown-id (plist-get edit :id)
          header-line-format
          (substitute-command-keys
           " \\<missy-diff-minor-mode-map>\\[missy-accept] accept, \
\\[missy-discard] discard, \\[missy-retry] retry"))
    (display-buffer (current-buffer))))

;;; Diagnostics of other tools

(defun missy--diagnostics (connection beg end)
  "Return the diagnostics between BEG and END as a vector, over CONNECTION."
  (vconcat
   (cond ((bound-and-true-p flymake-mode)
          (missy--keep
           (lambda (diagnostic)
             (missy--diagnostic connection (flymake-diagnostic-beg diagnostic)
                                (flymake-diagnostic-end diagnostic)
                                (flymake-diagnostic-text diagnostic)
                                (flymake-diagnostic-type diagnostic)))
           (flymake-diagnostics beg end)))
         ((bound-and-true-p flycheck-mode)
          (missy--keep
           (lambda (found)
             (pcase-let ((`(,start . ,stop)
                          (flycheck-error-region-for-mode found major-mode)))
               (missy--diagnostic connection start stop (flycheck-error-message found)
                                  (flycheck-error-level found))))
           (flycheck-overlay-errors-in beg end))))))

(defun missy--diagnostic (connection beg end text type)
  "Return the diagnostic TEXT of TYPE from BEG to END, over CONNECTION.
Nil for the ones that mark our own changes."
  (unless (string-match-p "Missy proposes" text)
    (list :range (missy--range connection beg end)
          :message text
          :severity (let ((name (symbol-name type)))
                      (cond ((string-match-p "error" name) 1)
                            ((string-match-p "warning" name) 2)
                            (t 3))))))

;;; Commands

;;;###autoload
(defun missy-ask (prompt &optional follow-up)
  "Ask PROMPT about the region, or about the place at point.
The answer streams into the buffer *Missy*.  With a prefix argument, or
where FOLLOW-UP is non-nil, the conversation so far goes along."
  (interactive (list (missy--read (if current-prefix-arg "Follow up: " "Ask Claude: "))
                     current-prefix-arg))
  (let* ((connection (missy--connect))
         (earlier (and follow-up missy--conversation))
         (run (missy--start connection "missy.ask"
                            (append (list :prompt prompt)
                                    (missy--target connection)
                                    (when earlier
                                      (list :history (missy--turns earlier))))
                            "ask" prompt t
                            (lambda (answer) (missy--take-files connection answer)))))
    (setf (missy--run-earlier run) earlier)))

(defun missy--turns (conversation)
  "Return CONVERSATION as the messages of a history, the oldest first."
  (vconcat (mapcan (lambda (exchange)
                     (list (list :role "user" :content (car exchange))
                           (list :role "assistant" :content (cdr exchange))))
                   (reverse conversation))))

(defun missy--take-files (connection answer)
  "Keep a change of several files that came with ANSWER over CONNECTION."
  (when-let* ((edit (plist-get answer :edit)))
    (if (not (equal (plist-get edit :status) "pending"))
        (message "Missy: %s" (or (plist-get edit :message) (plist-get edit :status)))
      (let* ((files (append (plist-get edit :files) nil))
             (names (mapconcat (lambda (file) (plist-get file :path)) files ", ")))
        (push (list :id (plist-get edit :id) :files files :connection connection
                    :message (format "Missy proposes a change of %d files (%s)"
                                     (length files) names))
              missy--pending)
        (message "Missy: a change waits for review (%s): M-x missy-diff, missy-accept \
or missy-discard" names)))))

(defun missy-follow-up (prompt)
  "Ask PROMPT about the last answer, explanation or proposed change."
  (interactive (list (if missy--conversation
                         (missy--read "Follow up: ")
                       (user-error "There is no answer to follow; ask first"))))
  (missy-ask prompt t))

(defun missy--read (prompt)
  "Read a text that is not empty after PROMPT."
  (let ((text (string-trim (read-string prompt nil 'missy-history))))
    (when (string-empty-p text)
      (user-error "Nothing was asked"))
    text))

(defvar missy-history nil "What was asked.")

;;;###autoload
(defun missy-edit (instruction)
  "Change the region, or write code at point, as INSTRUCTION asks.
The change waits until you accept or discard it."
  (interactive (list (missy--read "Edit: ")))
  (let ((connection (missy--connect)))
    (missy--run-action connection '(:id "edit" :title "Edit" :result "edit")
                       (list :instruction instruction))))

;;;###autoload
(defun missy-explain ()
  "Explain the region, or the definition around point."
  (interactive)
  (missy--run-action (missy--connect)
                     '(:id "explain" :title "Explain" :result "answer") nil))

;;;###autoload
(defun missy-action (&optional id)
  "Run the action ID on the region, or on the definition around point.
Interactively, choose among those that apply there."
  (interactive)
  (let* ((connection (missy--connect))
         (target (missy--wanted-target connection)))
    (missy--soon
     connection "missy.listActions" target
     (lambda (actions)
       (let ((action (missy--choose-action (append actions nil) id)))
         (missy--run-action
          connection action
          (when (equal (plist-get action :when) "instruction")
            (list :instruction
                  (missy--read (concat (plist-get action :title) ": "))))))))))

(defun missy--choose-action (actions id)
  "Return the one with ID of ACTIONS, or the one that the user chooses."
  (let ((labels (mapcar (lambda (action) (cons (plist-get action :title) action))
                        actions)))
    (or (if id
            (seq-find (lambda (action) (equal id (plist-get action :id))) actions)
          (cdr (assoc (completing-read "Action: " labels nil t) labels)))
        (user-error "There is no such action here"))))

(defun missy--wanted-target (connection)
  "Return the target over CONNECTION; a `user-error' where there is no document."
  (or (missy--target connection)
      (user-error "Go to the code that is meant first")))

(defun missy--run-action (connection action argument)
  "Run ACTION with ARGUMENT on what is meant here, over CONNECTION."
  (let* ((target (missy--wanted-target connection))
         (title (plist-get action :title))
         (answerp (equal (plist-get action :result) "answer"))
         (beg (if (use-region-p) (region-beginning) (line-beginning-position)))
         (end (if (use-region-p) (region-end) (line-end-position)))
         (diagnostics (when (equal (plist-get action :when) "diagnostics")
                        (missy--diagnostics connection beg end)))
         run)
    (setq run (missy--start
               connection "missy.runAction"
               (append (list :action (plist-get action :id)) target argument
                       (when (length> diagnostics 0) (list :diagnostics diagnostics)))
               title (or (plist-get argument :instruction) title) answerp
               (unless answerp (lambda (answer) (missy--take-edit run answer)))))))

;;;###autoload
(defun missy-accept (&optional choosep)
  "Apply a change that waits, as one undo step.
With a prefix argument, or where CHOOSEP is non-nil, choose its parts."
  (interactive "P")
  (let ((edit (missy--choose-pending)))
    (if choosep
        (missy--soon (plist-get edit :connection) "missy.showDiff"
                     (list :id (plist-get edit :id) :show :json-false)
                     (lambda (described)
                       (missy--accept edit (missy--read-hunks described))))
      (missy--accept edit nil))))

(defun missy--accept (edit hunks)
  "Apply EDIT, or those of its HUNKS, numbered from 0."
  (missy--decide
   edit "missy.accept" (when hunks (list :hunks (vconcat hunks)))
   (lambda (result)
     (if (equal (plist-get result :status) "applied")
         (progn (unless hunks (missy--forget (plist-get edit :id)))
                (message "Missy: the change is applied"))
       (message "Missy: %s" (or (plist-get result :message)
                                "the change was not applied"))))))

(defun missy--read-hunks (described)
  "Let the user choose parts of the change DESCRIBED; return their numbers from 0."
  (mapcar (lambda (number) (1- (string-to-number number)))
          (completing-read-multiple
           "Parts (1,2…): "
           (mapcar #'number-to-string
                   (number-sequence 1 (length (plist-get described :hunks))))
           nil t)))

;;;###autoload
(defun missy-discard ()
  "Let go of a change that waits; the document stays as it is."
  (interactive)
  (let ((edit (missy--choose-pending)))
    (missy--decide edit "missy.discard" nil
                   (lambda (_)
                     (missy--forget (plist-get edit :id))
                     (message "Missy: the change is discarded")))))

;;;###autoload
(defun missy-retry (&optional tier)
  "Ask for a change that waits once more, of a model of TIER if it is given.
With a prefix argument, choose the tier."
  (interactive (list (when current-prefix-arg
                       (completing-read "Tier: " '("fast" "primary" "premium") nil t))))
  (let* ((edit (missy--choose-pending))
         (connection (plist-get edit :connection))
         run)
    (dolist (buffer (missy--edit-buffers edit))
      (with-current-buffer buffer (missy--document connection)))
    (setq run (missy--start connection "missy.retry"
                            (append (list :id (plist-get edit :id))
                                    (when tier (list :tier tier)))
                            "Retry" "Retry" nil
                            (lambda (answer)
                              ;; The server keeps the change until there is a new one.
                              (unless (member (missy--get answer :edit :status) '(nil "refused"))
                                (missy--forget (plist-get edit :id)))
                              (missy--take-edit run answer))))))

;;;###autoload
(defun missy-diff ()
  "Show a change that waits as a diff."
  (interactive)
  (let ((edit (missy--choose-pending)))
    (missy--decide edit "missy.showDiff" '(:show :json-false) #'missy--show-diff)))

;;;###autoload
(defun missy-stop ()
  "Stop every request to a model; what was answered so far stays."
  (interactive)
  (let ((connections (or (delete-dups (mapcar #'missy--run-connection missy--runs))
                         (seq-filter #'missy--live-p missy--connections)))
        (stopped 0))
    (unless connections
      (user-error "Nothing runs"))
    (dolist (connection connections)
      (missy--request connection "missy.stop" nil
                      (lambda (result)
                        (setq stopped (+ stopped (or (plist-get result :stopped) 0)))
                        (message "Missy: %d stopped" stopped))
                      (lambda (problem) (message "%s" (missy--named
                                                       (missy--sentence problem))))))))

;;;###autoload
(defun missy-providers ()
  "Show the providers and which of them are available."
  (interactive)
  (missy--request
   (missy--connect) "missy.listProviders" nil
   (lambda (providers)
     (missy--show-facts "*Missy providers*" "Providers:\n"
                        (mapconcat #'missy--provider-line providers "")))
   (lambda (problem) (message "%s" (missy--named (missy--sentence problem))))))

(defun missy--show-facts (name &rest texts)
  "Show TEXTS in the buffer NAME, for reading."
  (with-current-buffer (get-buffer-create name)
    (let ((inhibit-read-only t))
      (erase-buffer)
      (apply #'insert texts)
      (goto-char (point-min)))
    (special-mode)
    (display-buffer (current-buffer))))

(defun missy--provider-line (provider)
  "Return a line about PROVIDER, like that of the command line."
  (format "  %s: %s%s\n" (plist-get provider :name)
          (if (plist-get provider :available)
              (format "available (%s)" (plist-get provider :model))
            (format "unavailable (%s)" (plist-get provider :reason)))
          (if (plist-get provider :default) ", default" "")))

;;;###autoload
(defun missy-usage ()
  "Show what was spent, by model, tier and day."
  (interactive)
  (missy--request
   (missy--connect) "missy.usage" nil
   (lambda (usage)
     (missy--show-facts
      "*Missy usage*"
      (format "Today $%.4f; since %s $%.4f.\n"
              (plist-get usage :todayUsd)
              (format-time-string "%Y-%m-%d" (plist-get usage :since))
              (plist-get (plist-get usage :total) :costUsd))
      (mapconcat (lambda (group)
                   (concat "\n" (car group) ":\n"
                           (mapconcat #'missy--usage-line
                                      (plist-get usage (cdr group)) "")))
                 '(("By model" . :byModel) ("By tier" . :byTier) ("By day" . :byDay))
                 "")))
   (lambda (problem) (message "%s" (missy--named (missy--sentence problem))))))

(defun missy--usage-line (entry)
  "Return a line about ENTRY of what was spent."
  (format "  %-24s %6d requests  %9d tokens in  %9d out  $%.4f\n"
          (plist-get entry :key) (plist-get entry :requests)
          (plist-get entry :inputTokens) (plist-get entry :outputTokens)
          (plist-get entry :costUsd)))

;;;###autoload
(defun missy-last ()
  "Show the answers."
  (interactive)
  (display-buffer (missy--answer-buffer) missy-answer-buffer-action))

;;;###autoload (autoload 'missy-command-map "missy" nil t 'keymap)
(defvar missy-command-map
  (let ((map (make-sparse-keymap)))
    (define-key map "m" #'missy-ask)
    (define-key map "f" #'missy-follow-up)
    (define-key map "e" #'missy-edit)
    (define-key map "x" #'missy-explain)
    (define-key map "a" #'missy-action)
    (define-key map "d" #'missy-diff)
    (define-key map "y" #'missy-accept)
    (define-key map "n" #'missy-discard)
    (define-key map "r" #'missy-retry)
    (define-key map "k" #'missy-stop)
    (define-key map "u" #'missy-usage)
    (define-key map "p" #'missy-providers)
    (define-key map "l" #'missy-last)
    map)
  "Missy's commands; bound to no key until you bind it.")
(fset 'missy-command-map missy-command-map)

(provide 'missy)
;;; missy.el ends here
